"""A customer who uses the faulty product, and looks when a step of a workflow asks them to.

Nothing here knows which fault is planted but where the fault is this house's own: what is answered
is seen, by names, connections, certificates and requests.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dns.asyncquery
import dns.message
from cryptography import x509

from tests.services.faulty_product import FIELDS, KEYS, SKEW, Product
from tests.services.faulty_web import Authority

FAR = 0.2
"""Seconds that each exchange takes more where the service is far away."""
SLOW = 0.18
YEARS = datetime.timedelta(days=800)


@dataclass(frozen=True)
class Got:
    """What came back, in seconds; status 0 where nothing did, for a reason."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None
    seconds: float = 0.0
    why: str = ""


@dataclass
class House:
    """A customer's computer, its network, and whoever looks."""

    product: Product
    authority: Authority

    def has(self, fault: str) -> bool:
        """Whether something of this house is wrong."""
        return fault in self.product.faults

    @property
    def clock(self) -> datetime.datetime:
        """This computer's clock."""
        now = datetime.datetime.now(datetime.UTC)
        return now + YEARS if self.has("clock") else now

    @property
    def environment(self) -> dict[str, Any]:
        """What the customer and the desk know of where the product runs."""
        product = self.product
        return {
            **{"host": "localhost", "port": product.reached, "path": "/"},
            **{"url": product.url("/v2/orders/7"), "health_url": product.url("/health")},
            **{"issuer": product.url("/idp"), "keys_url": product.url("/idp/keys")},
            **{"key_id": "2026-a", "runs_url": product.url("/runs/last")},
            **{"other_url": product.url("/other/records"), "webhook_url": product.url("/hooks")},
            "clock": self.clock.isoformat(),
            "clock_seen_at": datetime.datetime.now(datetime.UTC).isoformat(),
        }

    @property
    def configuration(self) -> dict[str, Any]:
        """How the customer's client of the API is configured."""
        wrong = self.has("client_configuration")
        base = f"http://localhost:{self.product.reached}/" if wrong else self.product.url()
        return {"base_url": base, "timeout_seconds": 30}

    async def call(
        self,
        path: str = "/",
        *,
        proxy: bool = True,
        vpn: bool = True,
        outside: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        """Ask the service, as this computer does, or from outside the house."""
        begun = time.monotonic()
        try:
            reader, writer = await self._connected(proxy, vpn, outside)
        except ssl.SSLError:
            return Got(0, why="certificate")
        except OSError as error:
            return Got(0, why="no_name" if str(error) == "no name" else "refused")
        try:
            if not outside:
                self._look_at_dates(writer)
            lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
            writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n".encode())
            if self.has("far_away") and not outside:
                await asyncio.sleep(FAR)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            body = (await reader.read()).decode()
        except ssl.SSLError:
            return Got(0, why="certificate")
        except (OSError, asyncio.IncompleteReadError):
            return Got(0, why="refused")
        finally:
            writer.transport.abort()
        named = {name.lower(): value for name, _, value in (one.partition(": ") for one in head)}
        took = time.monotonic() - begun
        return Got(int(head[0].split()[1]), json.loads(body) if body else None, named, took)

    async def _connected(
        self, proxy: bool, vpn: bool, outside: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        product, address, port = self.product, "127.0.0.1", self.product.reached
        if not outside:
            if self.has("hosts_file"):
                address = "127.0.0.2"
            elif not await self._addresses(product.house_names):
                raise OSError("no name")
            if self.has("firewall") or (self.has("vpn") and vpn):
                port = product.closed
            elif self.has("inspection"):
                port = product.device
            if self.has("proxy") and proxy:
                reader, writer = await asyncio.open_connection("127.0.0.1", product.proxy)
                writer.write(b"CONNECT localhost:443 HTTP/1.1\r\n\r\n")
                if b" 200 " not in await reader.readline():
                    writer.transport.abort()
                    raise OSError("the proxy refuses")
        trusting = ssl.create_default_context(cafile=str(self.authority.file))
        return await asyncio.open_connection(
            address, port, ssl=trusting, server_hostname="localhost"
        )

    def _look_at_dates(self, writer: asyncio.StreamWriter) -> None:
        """Refuse a certificate that is not valid by this computer's clock."""
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        found = x509.load_der_x509_certificate(raw)
        if not found.not_valid_before_utc <= self.clock <= found.not_valid_after_utc:
            raise ssl.SSLCertVerificationError("by our clock")

    async def _addresses(self, server: int) -> list[str]:
        asked = dns.message.make_query("service.example.com", "A")
        answer = await dns.asyncquery.udp(asked, "127.0.0.1", port=server, timeout=5)
        return [str(one) for found in answer.answer for one in found]

    async def _issuer(self, port: int) -> str:
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=anyone, server_hostname="localhost"
        )
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return x509.load_der_x509_certificate(raw).issuer.rfc4514_string()

    async def _opens(self, port: int, address: str = "127.0.0.1") -> bool:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            return False
        writer.transport.abort()
        return True

    # What the steps of network-connectivity ask.

    async def status_page(self) -> bool:
        return False  # none of the faults is announced

    async def other_sites(self) -> bool:
        return await self._opens(self.product.proxy)

    async def what_happens(self) -> str:
        got = await self.call()
        return got.why or ("slow" if got.seconds > SLOW else "works")

    async def resolves(self) -> str:
        here = await self._addresses(self.product.house_names)
        there = await self._addresses(self.product.public_names)
        if self.has("hosts_file"):  # `ping` reads it before it asks a server of names
            here = ["127.0.0.2"]
        if here == there:
            return "same" if here else "none"
        return "other_here" if here else "none_here"

    async def hosts(self) -> bool:
        return self.has("hosts_file")

    async def vpn_on(self) -> bool:
        return self.has("vpn")

    async def without_vpn(self) -> bool:
        return (await self.call(vpn=False)).why != "refused"

    async def port(self) -> bool:
        blocked = self.has("firewall") or self.has("vpn")
        address = "127.0.0.2" if self.has("hosts_file") else "127.0.0.1"
        return await self._opens(self.product.closed if blocked else self.product.reached, address)

    async def mobile(self) -> bool:
        return (await self.call(outside=True)).why not in ("refused", "no_name")

    elsewhere = mobile

    async def proxied(self) -> bool:
        return self.has("proxy")

    async def without_proxy(self) -> bool:
        return (await self.call(proxy=False)).why != "refused"

    async def certificate(self) -> str:
        product = self.product
        here = product.device if self.has("inspection") else product.reached
        if await self._issuer(here) != await self._issuer(product.reached):
            return "other"
        if (await self.call(outside=True)).why == "certificate":
            return "invalid"
        return "dates" if (await self.call()).why == "certificate" else "own"

    async def elsewhere_slow(self) -> bool:
        return (await self.call(outside=True)).seconds > 1

    async def round_trip(self) -> float:
        return 1000 * statistics.median([(await self.call()).seconds for _ in range(3)])

    async def lost(self) -> float:
        return 100 * sum([(await self.call()).status == 0 for _ in range(3)]) / 3

    # What those of api-errors ask.

    @property
    def key(self) -> str:
        if self.has("missing_scope"):
            return "key-read"
        return "key-old" if self.has("wrong_key") else "key-1"

    async def order(self, number: int = 7) -> Got:
        """The call that fails."""
        if not self.configuration["base_url"].startswith("https://"):
            return Got(0, why="refused")  # plain HTTP at a port that speaks TLS
        headers = {} if self.has("no_key") else {"authorization": f"Bearer {self.key}"}
        path = "/v1/orders" if self.has("wrong_address") else "/v2/orders"
        return await self.call(f"{path}/{number}", headers=headers)

    async def same_now(self) -> bool:
        return not 200 <= (await self.order()).status < 400

    async def sometimes(self) -> bool:
        return False

    async def status(self) -> int:
        return (await self.order()).status

    async def key_arrives(self) -> bool:
        await self.order()
        return "authorization" in self.product.got[-1].headers

    async def key_valid(self) -> bool:
        return self.key in KEYS and self.key not in self.product.revoked

    async def scope(self) -> bool:
        return "orders" in KEYS[self.key]

    async def documented(self) -> bool:
        await self.order()
        return self.product.got[-1].path.startswith("/v2/")

    async def made(self) -> int:
        return self.product.used["client"]

    async def limit(self) -> int:
        headers = (await self.order()).headers or {}
        return int(headers["x-ratelimit-limit"])

    async def others(self) -> bool:
        return len(self.product.used) > 1

    async def this_one(self) -> bool:
        return (await self.order(8)).status == 200

    async def trusted(self) -> bool:
        return (await self.call()).why != "certificate"

    # What those of sign-in ask.

    async def sign_in(self) -> str:
        """What is shown, and in the log of the service why it refuses the provider's answer."""
        if self.has("wrong_account"):
            return "unknown"
        got = await self.call("/idp/token")
        if got.status != 200:
            return "provider"
        if got.body["kid"] != self.environment["key_id"]:
            return "signature"
        if abs(got.body["iat"] - time.time()) > SKEW / 2:
            return "time"
        return "works"

    async def way_in(self) -> str:
        return "sso"

    async def other_people(self) -> bool:
        return await self.sign_in() == "works"

    async def known_address(self) -> bool:
        return not self.has("wrong_account")

    async def shown(self) -> str:
        found = await self.sign_in()
        return found if found in ("works", "provider") else "response"

    async def private_window(self) -> bool:
        return await self.sign_in() == "works"

    async def provider_page(self) -> bool:
        return (await self.call("/idp/")).status == 200

    async def assigned(self) -> bool:
        return not self.has("not_assigned")

    async def answer_code(self) -> str:
        return await self.sign_in()

    async def fingerprint(self) -> bool:
        return self.product.signs_with == self.environment["key_id"]

    async def clocks(self) -> bool:
        return await self.sign_in() != "time"

    # What those of data-sync ask.

    async def run(self) -> str:
        """How a run ends, that the customer begins in the product."""
        token = "partner-0" if self.has("credentials") else "partner-1"
        got = await self.call(
            "/other/records", outside=True, headers={"authorization": f"Bearer {token}"}
        )
        if got.status == 200:
            return "well" if got.body["records"][0].keys() >= FIELDS else "unknown_field"
        return "unauthorised" if got.status == 401 else "other"

    async def symptom(self) -> str:
        if self.has("paused"):
            return "all_missing"
        found = await self.run()
        if found in ("unauthorised", "other"):
            return "all_missing"
        return "field" if found == "unknown_field" else "late"

    async def fresh(self) -> bool:
        return False

    async def enabled(self) -> bool:
        return not self.has("paused")

    async def last_run(self) -> str:
        return await self.run()

    async def reconnect(self) -> bool:
        return await self.run() != "unauthorised"

    async def fields_there(self) -> bool:
        return not self.has("renamed_field")

    async def other_up(self) -> bool:
        return (await self.call("/other/records", outside=True)).status != 503

    async def seen(self) -> bool:
        return True

    async def filtered(self) -> bool:
        return True

    async def mapped(self) -> bool:
        return True

    async def delay(self) -> float:
        return 60 if (await self.call("/hooks", outside=True)).status == 404 else 1

    async def hooks(self) -> bool:
        return (await self.call("/hooks", outside=True)).status != 404

    async def together(self) -> bool:
        return True
