"""Masking: no secret of a message reaches a model, and no more is hidden than must be."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deskward.core.errors import InvalidInput
from deskward.security import vault
from deskward.security.masking import luhn, mask
from deskward.security.vault import PLACEHOLDER, Vault, Vaults

CASES = yaml.safe_load((Path(__file__).parent / "secrets.yaml").read_text(encoding="utf-8"))
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
    for case in yaml.safe_load((PARAPHRASES / file).read_text(encoding="utf-8")):
        masked, found = hidden(case["text"])
        password = case["slots"].get("new_password")
        if password:
            assert password not in masked, case["text"]
        elif case["intent"] not in ("change_password", "deactivate_card"):
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
