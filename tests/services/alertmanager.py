"""Alertmanager for the tests, in a scratch folder, on a free port of this machine.

Where its program cannot be found, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2

from tests.services.programs import find_program, free_port, running

AGAIN = "1s"
"""After how long it posts again what it has posted, so that tests need not wait for it."""


@dataclass(frozen=True)
class Receiver:
    """Where alerts are posted, with the bearer token that goes with them."""

    url: str
    secret: str


class Alertmanager:
    """A running server. An alert's label `team` says which receiver it is for."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    async def tell(
        self, labels: Mapping[str, str], *, began: datetime, ended: datetime | None = None
    ) -> None:
        """Tell it of an alert by its API, as Prometheus does."""
        alert = {
            "labels": dict(labels),
            "annotations": {"summary": f"{labels['alertname']} is firing"},
            "startsAt": began.isoformat(),
            **({"endsAt": ended.isoformat()} if ended else {}),
        }
        async with httpx2.AsyncClient() as client:
            answered = await client.post(f"{self.url}/api/v2/alerts", json=[alert])
        answered.raise_for_status()

    async def posts(self) -> tuple[int, int]:
        """How many posts were taken, and how many were refused."""
        async with httpx2.AsyncClient() as client:
            shown = (await client.get(f"{self.url}/metrics")).text
        made, failed = (_metric(shown, name) for name in ("requests", "requests_failed"))
        return made - failed, failed


def _metric(shown: str, name: str) -> int:
    line = rf'alertmanager_notification_{name}_total\{{integration="webhook"\}} (\S+)'
    (found,) = re.findall(f"^{line}$", shown, re.MULTILINE)
    return int(float(found))


@contextlib.contextmanager
def alertmanager(**receivers: Receiver) -> Iterator[Alertmanager]:
    """Run a server that knows these receivers, by their names."""
    program = find_program("prometheus-alertmanager", "prometheus-alertmanager")
    with tempfile.TemporaryDirectory(prefix="deskward-alertmanager-") as folder:
        # JSON is YAML.
        configuration = Path(folder, "alertmanager.yml")
        configuration.write_text(json.dumps(_configured(receivers)), encoding="utf-8")
        port = free_port()
        command = [
            program,
            f"--config.file={configuration}",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",  # it is alone
        ]
        with running(command, ports=[port], log=Path(folder, "log")):
            yield Alertmanager(port)


def _configured(receivers: Mapping[str, Receiver]) -> dict[str, object]:
    first = next(iter(receivers))
    return {
        "route": {
            "receiver": first,
            "group_by": ["alertname"],
            "group_wait": "100ms",
            "group_interval": AGAIN,
            "repeat_interval": AGAIN,
            "routes": [{"receiver": name, "matchers": [f'team="{name}"']} for name in receivers],
        },
        "receivers": [
            {
                "name": name,
                "webhook_configs": [
                    {
                        "url": one.url,
                        "http_config": {
                            "authorization": {"type": "Bearer", "credentials": one.secret}
                        },
                    }
                ],
            }
            for name, one in receivers.items()
        ],
    }
