"""Access tokens for a mailbox (OAuth2, RFC 6749): for its owner, or for the desk itself."""

from __future__ import annotations

import time

import httpx2

from deskward.core.mail_settings import Imap

TIMEOUT = 20.0
EARLY = 120.0
"""Seconds before its end in which a token is not used any more."""
USUAL = 300.0
"""Seconds that a token lives whose server does not say."""


class TokenRefused(Exception):
    """No token is to be had."""


class Tokens:
    """Gets access tokens, and keeps one as long as it lives."""

    def __init__(self, settings: Imap) -> None:
        self._settings = settings
        self._token = ""
        self._until = float("-inf")

    @property
    def last(self) -> str:
        """The token that it gave last, or an empty text."""
        return self._token

    def forget(self) -> None:
        """Get a new one the next time: the mail server did not take this one."""
        self._until = float("-inf")

    def get(self) -> str:
        """A token that lives. Waits for the network.

        Raises:
            TokenRefused: The server gives none; says why.
        """
        if time.monotonic() < self._until:
            return self._token
        try:
            answer = httpx2.post(
                str(self._settings.token_url),
                data=self._asked(),
                timeout=TIMEOUT,
                follow_redirects=False,
            )
            told = answer.json()
            if not isinstance(told, dict) or "access_token" not in told:
                problem = told.get("error", answer.status_code) if isinstance(told, dict) else "?"
                raise TokenRefused(f"The server of tokens gave none: {problem}")
        except (httpx2.HTTPError, ValueError) as error:
            raise TokenRefused(
                f"The server of tokens cannot be reached: {type(error).__name__}"
            ) from None
        self._token = str(told["access_token"])
        lives = told.get("expires_in")
        seconds = float(lives) if isinstance(lives, int | float) else USUAL
        self._until = time.monotonic() + max(seconds - EARLY, seconds / 2)
        return self._token

    def _asked(self) -> dict[str, str]:
        settings = self._settings
        refresh = settings.refresh_token
        asked = {
            "grant_type": "refresh_token" if refresh else "client_credentials",
            "client_id": settings.client_id or "",
            "refresh_token": refresh.get_secret_value() if refresh else "",
            "client_secret": settings.client_secret.get_secret_value()
            if settings.client_secret
            else "",
            "scope": settings.scope or "",
        }
        return {name: value for name, value in asked.items() if value}
