"""Signing in to a server over OAuth, by the `mcp` package's client: as the desk itself.

It finds the authorization server by the server's metadata (RFC 9728, RFC 8414), sends the secret to
none but the issuer that the file names, and asks for a token for this server alone (RFC 8707).
Tokens are kept in memory; no caller's own token is ever passed on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider

from deskward.hub.credentials import OAuth

if TYPE_CHECKING:
    import httpx2
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken


class Tokens:
    """Holds a connection's token while the process lives (`mcp`'s `TokenStorage`)."""

    def __init__(self) -> None:
        self._token: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """The token, which may have expired."""
        return self._token

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep a token."""
        self._token = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Nothing: who we are stands in the file."""
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Nothing is registered."""


class SignIn(ClientCredentialsOAuthProvider):
    """Signs in where it is needed; with a token that counts, calls do not wait for each other.

    The library holds its lock until a request is answered.
    """

    def __init__(self, url: str, oauth: OAuth, tokens: Tokens) -> None:
        super().__init__(
            url,
            tokens,
            oauth.client_id,
            oauth.client_secret,
            oauth.method,
            oauth.scope,
            oauth.issuer,
        )
        self._named, self._scope = oauth.issuer, oauth.scope

    def _select_authorization_server(self, advertised: list[str]) -> str:
        """The one that the file names, as it writes it: many servers put a slash behind it."""
        plain = self._named.rstrip("/")
        return self._named if plain in (each.rstrip("/") for each in advertised) else advertised[0]

    async def _perform_authorization(self) -> httpx2.Request:
        """Ask for a token, with the scope that the file names, where it names one."""
        if self._scope is not None:
            self.context.client_metadata.scope = self._scope
        return await super()._perform_authorization()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request with the token, and again with another one where it was refused.

        Raises:
            OAuthFlowError: There is no token, or the server takes none that there is.
        """
        if self._initialized and self.context.is_token_valid():
            self._add_auth_header(request)
            response = yield request
            if response.status_code not in (401, 403):
                return
        flow, refused = super().async_auth_flow(request), False
        try:
            outgoing = await flow.__anext__()
            while True:
                response = yield outgoing
                refused = outgoing is request and response.status_code == 401
                outgoing = await flow.asend(response)
        except StopAsyncIteration:
            if refused:
                raise OAuthFlowError(
                    "it refuses the token that it asked for (HTTP 401): is it for another audience?"
                ) from None
        finally:
            await flow.aclose()
