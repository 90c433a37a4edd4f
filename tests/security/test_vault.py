"""Secrets that wait for a tool, and are forgotten."""

import pytest

from deskward.core.errors import InvalidInput
from deskward.security import vault as module
from deskward.security.vault import LIFETIME, Vaults


@pytest.mark.parametrize("sweeping", [True, False])
def test_an_unused_secret_is_forgotten(monkeypatch: pytest.MonkeyPatch, sweeping: bool) -> None:
    moment = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: moment)
    monkeypatch.setattr(module, "SWEEP", 10.0 if sweeping else 10 * LIFETIME)
    vaults = Vaults()
    placeholder = vaults.of("a", "session").hide("password", "newSecurePass123")
    moment += LIFETIME - 1
    assert vaults.of("a", "session").resolve(placeholder) is not None  # which is a use of it
    moment += LIFETIME - 1
    assert vaults.of("a", "session").resolve(placeholder) is not None
    moment += LIFETIME + 1
    with pytest.raises(InvalidInput, match="no longer held"):
        vaults.of("a", "session").resolve(placeholder)


def test_a_secret_is_of_its_conversation_alone() -> None:
    vaults = Vaults()
    placeholder = vaults.of("a", "session").hide("password", "newSecurePass123")
    with pytest.raises(InvalidInput):
        vaults.of("another", "session").resolve(placeholder)


def test_secrets_of_who_never_comes_back_leave_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: moment)
    vaults = Vaults()
    vaults.of("a", "session").hide("password", "newSecurePass123")
    moment += LIFETIME + 1
    vaults.of("another", "session")
    assert list(vaults._vaults) == [("another", "session")]
