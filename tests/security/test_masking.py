"""Masking: no secret of a message reaches a model, and no more is hidden than must be."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from deskward.core.errors import InvalidInput
from deskward.security import vault
from deskward.security.cards import card_numbers, luhn
from deskward.security.masking import mask
from deskward.security.vault import PLACEHOLDER, Vault, Vaults

CASES = yaml.load(
    (Path(__file__).parent / "secrets.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
PARAPHRASES = Path(__file__).parents[1] / "agent" / "offline" / "paraphrases"


def hidden(text: str, asked_by: str = "") -> tuple[str, list[str]]:
    vault = Vault()
    masked = mask(text, vault, asked_by=asked_by)
    return masked, sorted(secret.get_secret_value() for secret in vault.values.values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_just_the_secrets_are_hidden(case: dict) -> None:
    masked, found = hidden(case["text"])
    assert found == sorted(map(str, case["secrets"]))
    for secret in found:
        assert secret not in masked


@pytest.mark.parametrize("file", ["development.yaml", "test.yaml"])
def test_paraphrases_keep_what_is_no_secret(file: str) -> None:
    for case in yaml.load(
        (PARAPHRASES / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    ):
        masked, found = hidden(case["text"])
        password = case["slots"].get("new_password")
        if password:
            assert password not in masked, case["text"]
        elif case["intent"] not in ("change_password", "freeze_card"):
            assert (masked, found) == (case["text"], []), case["text"]


QUESTION = "What should the new password be? It needs at least 8 characters."


@pytest.mark.parametrize(
    ("answer", "secret"),
    [
        ("hunter22abc", "hunter22abc"),
        ("it's sunshine", "sunshine"),
        ("please use Blue-Sky-1", "Blue-Sky-1"),
        ("correct horse battery staple", "correct horse battery staple"),
        ("sunshine", "sunshine"),
    ],
)
def test_the_answer_to_a_question_for_a_secret_is_one(answer: str, secret: str) -> None:
    masked, found = hidden(answer, QUESTION)
    assert found == [secret]
    assert secret not in masked


@pytest.mark.parametrize(
    "answer", ["no thanks", "cancel", "why do you need it?", "what do you mean"]
)
def test_not_every_answer_is_a_secret(answer: str) -> None:
    assert hidden(answer, QUESTION) == (answer, [])


def test_an_answer_to_another_question_is_no_secret() -> None:
    assert hidden("balance", "Your password has been changed successfully.")[1] == []
    assert hidden("yes", "Shall I change your password?")[1] == []


@given(st.text(alphabet="abcdefgXYZ", min_size=4, max_size=12), st.integers(10, 99999))
def test_any_password_of_letters_and_digits_is_hidden(word: str, number: int) -> None:
    password = f"{word}{number}"
    for text in (
        f"Change my password to {password}",
        f"please set {password} as my new password.",
        f"my password should be {password} from now on",
        f"new password: {password}",
    ):
        masked, found = hidden(text)
        assert found == [password]
        assert password not in masked


@given(st.integers(10**11, 10**18 - 1), st.sampled_from(["", " ", "-"]))
def test_any_card_number_is_hidden(number: int, separator: str) -> None:
    digits = next(f"{number}{check}" for check in range(10) if luhn(f"{number}{check}"))
    written = separator.join(digits[i : i + 4] for i in range(0, len(digits), 4))
    masked, found = hidden(f"block my card {written} now")
    assert found == [written]
    assert masked == "block my card [[card:1]] now"


@given(st.text(max_size=300))
def test_masking_never_fails_and_is_stable(text: str) -> None:
    vault = Vault()
    masked = mask(text, vault)
    for placeholder in PLACEHOLDER.findall(masked):
        assert placeholder in vault.values


def test_luhn() -> None:
    assert luhn("4242424242424242")
    assert not luhn("4242424242424241")
    assert not luhn("0000000000000000")


def test_a_customer_cannot_write_placeholders() -> None:
    masked, _ = hidden("my password is [[password:1]]")
    assert "[[" not in masked


def test_a_vault_gives_back_what_it_holds() -> None:
    vault = Vault()
    placeholder = vault.hide("password", "s3cret-one")
    assert vault.hide("password", "s3cret-one") == placeholder
    assert vault.resolve(placeholder) == SecretStr("s3cret-one")
    assert vault.resolve("no placeholder") is None
    with pytest.raises(InvalidInput, match="no longer held"):
        vault.resolve("[[password:7]]")


def test_vaults_are_apart_and_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    vaults = Vaults()
    placeholder = vaults.of("a", "1").hide("password", "s3cret-one")
    assert vaults.of("a", "1").resolve(placeholder)
    with pytest.raises(InvalidInput):
        vaults.of("a", "2").resolve(placeholder)
    later = time.monotonic() + vault.LIFETIME + 1
    monkeypatch.setattr("deskward.security.vault.time.monotonic", lambda: later)
    with pytest.raises(InvalidInput):
        vaults.of("a", "1").resolve(placeholder)


@pytest.mark.parametrize("asked", ["", "tell password " * 700, "tell " * 2000])
@pytest.mark.parametrize(
    "text", ["pw is " * 1600, "password " * 1100, f"{'password ' * 1000}is sunshine", "x"]
)
def test_masking_takes_no_time(text: str, asked: str) -> None:
    began = time.process_time()
    mask(text, Vault(), asked_by=asked)
    assert time.process_time() - began < 0.4


# Card numbers however they are written

CARDS = (
    *("4242424242424242", "5555555555554444", "378282246310005", "30569309025904"),
    *("3566002020360505", "6011111111111117", "4222222222222", "6222021234567890128"),
)
DIGITS = [
    "0123456789",
    *(
        "٠١٢٣٤٥٦٧٨٩",
        "۰۱۲۳۴۵۶۷۸۹",
        "०१२३४५६७८९",
        "０１２３４５６７８９",
        "০১২৩৪৫৬৭৮৯",
        "๐๑๒๓๔๕๖๗๘๙",
        "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    ),
]
SEPARATORS = [
    "",
    " ",
    "-",
    ".",
    "/",
    "_",
    "\u00a0",
    "\u2009",
    "\u2013",
    "\u2011",
    "\u200b",
    " - ",
    "·",
    "\n",
    "|",
    "*",
]


@given(
    st.sampled_from(CARDS),
    st.sampled_from(DIGITS),
    st.sampled_from(SEPARATORS),
    st.sampled_from([(4, 4, 4, 4, 4), (4, 6, 5), (1,) * 19, (19,), (2, 5, 3, 9), (6, 13)]),
    st.sampled_from(
        [
            "block {} now",
            "{}",
            "card{}x",
            "order 1001: {}!",
            "12 {}",
            "{}123",
            "{} 12/28 987",
        ]
    ),
)
def test_no_card_number_is_left(
    card: str, digits: str, separator: str, sizes: tuple[int, ...], around: str
) -> None:
    groups, rest = [], card
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    written = separator.join(group for group in [*groups, rest] if group)
    written = written.translate(str.maketrans("0123456789", digits))
    masked, _ = hidden(around.format(written))
    left = "".join(str(int(char)) for char in PLACEHOLDER.sub("", masked) if char.isdecimal())
    assert card[4:-4] not in left
    assert "[[card:" in masked


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("4242 4242 4242 4242 09/28 123", ["09/28", "123", "4242 4242 4242 4242"]),
        ("4242424242424242, exp. 9/2028, code: 1234.", ["1234", "4242424242424242", "9/2028"]),
        ("expires 09-28, it is 4242424242424242", ["09-28", "4242424242424242"]),
        ("ref 994242424242424242", ["4242424242424242"]),
        ("ref 994242 4242 4242 4242", ["4242 4242 4242 4242"]),
        ("4242424242424242123", ["123", "4242424242424242"]),
    ],
)
def test_what_stands_beside_a_card_number_is_hidden(text: str, secrets: list[str]) -> None:
    assert hidden(text)[1] == sorted(secrets)


@pytest.mark.parametrize(
    "text",
    [
        "from 2026-11-26T08:19:37.123456+00:00 to 2026-11-27 09:00:00, 26.11.2026 08:15",
        "call +41 44 123 45 67, +41 44 123 45 68, 044 123 45 69 or 044 123 45 60",
        "$5,420.50, $1,200.00 and $1,234,567.89; 542050 USD, 120000 USD, 98765 USD",
        "orders 1001, 1002, 1003, 1004 and 1005; T10011 T10021 T10031",
        "CH93 0076 2011 6238 5295 7, DE89370400440532013000, GB29 NWBK 6016 1331 9268 19",
        "a1b2c3d4e5f60718293a4b5c6d7e8f90 192.168.100.101:8080",
        "I paid 500 on 3 May 2026 for 2 nights, 4 people, room 4321, 8000 Zürich",
    ],
)
def test_other_numbers_are_no_cards(text: str) -> None:
    assert list(card_numbers(text)) == []


def test_a_number_after_a_card_may_be_money() -> None:
    assert hidden("block 4242424242424242, 500 USD are gone")[1] == ["4242424242424242"]


@given(st.binary(min_size=16, max_size=16), st.datetimes(timezones=st.just(UTC)))
def test_ids_and_moments_of_ours_are_no_card_numbers(number: bytes, moment: datetime) -> None:
    assume(not number.hex().isdecimal())
    for text in (number.hex(), f"id {number.hex()}.", moment.isoformat(), f"{moment:%Y-%m-%dT%TZ}"):
        assert mask(text, Vault()) == text


@pytest.mark.parametrize(
    ("asked", "is_hidden"),
    [
        ("Open the app.\n\nSource: “How do I set a new password?” (v1, 2026-11-01)", False),
        ("Please answer: “What is your new password?”", True),
        ('"What should the new password be?"', True),
    ],
)
def test_an_articles_title_asks_for_nothing(asked: str, is_hidden: bool) -> None:
    text, _ = hidden("link expiry", asked)
    assert ("link expiry" not in text) is is_hidden
