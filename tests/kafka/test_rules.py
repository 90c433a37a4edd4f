"""What holds without a broker: who may use what, what is refused, and that it costs nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from deskward.agent.model import Model
from deskward.app import open_desk
from deskward.core.allowed import Allowed
from deskward.core.errors import InvalidInput
from deskward.core.settings import Settings
from deskward.features import features_of
from deskward.kafka.broker import Kafka, Place
from deskward.kafka.tools import _told
from tests.conftest import CUSTOMER, STAFF, caller
from tests.demo_file import settings_in
from tests.kafka.conftest import KEEPER, PROGRAM, STRANGER, at_nobody


async def test_without_brokers_there_are_no_tools_of_it(tmp_path: Path) -> None:
    plain = settings_in(tmp_path)
    assert "kafka" not in {group.name for group in features_of(plain).groups}
    with pytest.raises(ValueError, match="kafka_bootstrap_servers"):
        features_of(plain, only="kafka")
    there = features_of(at_nobody(plain, tmp_path))
    assert "publish_message" in {tool.name for tool in there.tools}


def test_a_desk_without_it_does_not_import_its_library() -> None:
    code = "import sys, deskward.app; sys.exit('confluent_kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_names_are_listed_by_tenant() -> None:
    allowed = Allowed.parse("KAFKA_TOPICS", "queries, acme=orders-*,acme=one", "default")
    assert allowed.permits("default", "queries")
    assert not allowed.permits("default", "queries-2")
    assert not allowed.permits("default", "orders-1")
    assert allowed.permits("acme", "orders-1")
    assert allowed.among("acme", ["two", "one", "orders-", "queries"]) == ["one", "orders-"]
    assert not Allowed.parse("KAFKA_TOPICS", "", "default").permits("default", "anything")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_bootstrap_servers": "host"},
        {"kafka_bootstrap_servers": "a:9092;b:9092"},
        {"kafka_topics": "*"},
        {"kafka_topics": "a b"},
        {"kafka_sasl_username": "desk"},
        {"kafka_security_protocol": "sasl_ssl"},
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).upper().split("_")[0].lower()):
        settings_in(tmp_path, **wrong)


def test_other_machines_are_spoken_to_with_tls(tmp_path: Path) -> None:
    signed = {"kafka_sasl_username": "desk", "kafka_sasl_password": "secret"}
    near, far = ({"kafka_bootstrap_servers": one} for one in ("localhost:9092", "kafka:9092"))
    assert settings_in(tmp_path, **near).kafka.security == "plaintext"
    assert settings_in(tmp_path, **far).kafka.security == "ssl"
    assert settings_in(tmp_path, **near, **signed).kafka.security == "sasl_plaintext"
    assert settings_in(tmp_path, **far, **signed).kafka.security == "sasl_ssl"


def test_nobody_can_make_a_receipt_up() -> None:
    listed = Allowed.parse("KAFKA_TOPICS", "", "default")
    kafka = Kafka(None, listed, listed, 1_000, b"k" * 32)  # type: ignore[arg-type]  # not spoken to
    receipt = kafka.receipt("default", "orders", "readers", Place(1, 41))
    assert kafka.place_of("default", "orders", "readers", receipt) == (1, 41)
    ahead = receipt.replace("1-41-", "1-42-")
    for told in (
        ("default", "orders", "readers", ahead),
        ("acme", "orders", "readers", receipt),
        ("default", "orders", "others", receipt),
        ("default", "other", "readers", receipt),
    ):
        with pytest.raises(InvalidInput):
            kafka.place_of(*told)


def test_a_message_is_told_as_what_it_is() -> None:
    assert _told(b'{"a": 1}', whole=True) == ("json", {"a": 1})
    assert _told("grüß".encode(), whole=True) == ("text", "grüß")
    assert _told(b"\xff\x00", whole=True) == ("base64", "/wA=")
    assert _told("grüß".encode()[:-1], whole=False) == ("text", "grü")
    deep = b"[" * 5_000 + b"]" * 5_000
    assert _told(deep, whole=True) == ("text", deep.decode())


async def test_who_may_use_what(sqlite_settings: Settings, offline: Model, tmp_path: Path) -> None:
    """Refused before any broker is asked: there is none."""
    told = at_nobody(sqlite_settings, tmp_path, kafka_max_message_kb=1)
    async with open_desk(told, model=offline) as desk:
        call = caller(desk)
        orders = {"topic": "orders-1", "message": "x"}
        for principal, code in ((CUSTOMER, "FORBIDDEN"), (STAFF, "FORBIDDEN")):
            refused = await call("publish_message", principal, **orders)
            assert refused.error.error_code == code
        unlisted = await call("publish_message", PROGRAM, topic="__secret", message="x")
        assert unlisted.error.error_code == "FORBIDDEN"
        assert "KAFKA_TOPICS" in unlisted.error.message
        foreign = await call("publish_message", STRANGER, **orders)
        assert foreign.error.error_code == "FORBIDDEN"
        group = await call("consume_messages", PROGRAM, topic="orders-1", group_id="acme")
        assert "KAFKA_GROUPS" in group.error.message
        large = await call("publish_message", PROGRAM, topic="orders-1", message="x" * 1_001)
        assert large.error.error_code == "TOO_LARGE"
        odd = await call("create_topic", KEEPER, topic="orders-1/..")
        assert odd.error.error_code == "INVALID_INPUT"


async def test_brokers_that_are_not_there_are_told_in_time(
    sqlite_settings: Settings, offline: Model, tmp_path: Path
) -> None:
    told = at_nobody(sqlite_settings, tmp_path, kafka_timeout=1)
    async with open_desk(told, model=offline) as desk:
        call, begun = caller(desk), time.monotonic()
        for name, arguments in (
            ("publish_message", {"topic": "orders-1", "message": "x"}),
            ("consume_messages", {"topic": "orders-1", "group_id": "readers-1"}),
            ("list_topics", {}),
        ):
            away = await call(name, PROGRAM, **arguments)
            assert away.error.error_code == "UNAVAILABLE", name
            assert "within 1 seconds" in away.error.message
            assert away.error.retry_after == 1
        assert time.monotonic() - begun < 30
        # … and the rest of the desk is as it was.
        assert (await call("get_faq", q="fees")).status == "ok"
