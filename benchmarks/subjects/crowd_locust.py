"""locust's client: each user sends the target's request over and over. Runs with locust's packages.

TARGET is `Target.for_clients()`. Started by `python -m locust -f`.
"""

from __future__ import annotations

import json
import os

from locust import constant, task
from locust.contrib.fasthttp import FastHttpUser

TARGET = json.loads(os.environ["TARGET"])
SESSIONS = iter(TARGET["sessions"])


class Client(FastHttpUser):
    """One of the crowd."""

    host = TARGET["url"]
    wait_time = constant(0)

    def on_start(self) -> None:
        """Take one of the sessions that were opened beforehand, where the target wants one."""
        self.headers = dict(TARGET["headers"])
        if session := next(SESSIONS, None):
            self.headers["Mcp-Session-Id"] = session

    @task
    def call(self) -> None:
        """Send the request once."""
        with self.client.request(
            TARGET["method"],
            TARGET["path"],
            data=TARGET["body"] or None,
            headers=self.headers,
            name="call",
            catch_response=True,
        ) as answer:
            if answer.status_code != 200 or TARGET["expected"] not in (answer.text or ""):
                answer.failure(f"{answer.status_code} {(answer.text or '')[:200]}")
