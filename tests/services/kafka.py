"""A Kafka broker for the tests, out of Maven's packages: one node in KRaft mode."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.programs import START_TIMEOUT, free_port, give_up, wait_for

VERSION = "4.3.1"
KEPT = Path.home() / ".cache" / "deskward-tests" / f"kafka-{VERSION}"

_POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{0}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
<version>1.7.36</version></dependency></dependencies></project>
"""
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=DESK://127.0.0.1:{port},SIGNED://127.0.0.1:{signed},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=DESK://127.0.0.1:{port},SIGNED://127.0.0.1:{signed}
listener.security.protocol.map=DESK:PLAINTEXT,SIGNED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=DESK
sasl.enabled.mechanisms=PLAIN
listener.name.signed.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_desk="secret";
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""


class Kafka:
    """A broker that can be killed and started again, on the same port and with the same data.

    Attributes:
        servers: What to set as KAFKA_BOOTSTRAP_SERVERS.
        signed: The same, for whoever signs in as `desk` with `secret` (PLAIN).
    """

    def __init__(self, folder: Path, libraries: Path) -> None:
        self._folder, self._libraries = folder, libraries
        self._port, signed, controller = free_port(), free_port(), free_port()
        self.servers, self.signed = f"127.0.0.1:{self._port}", f"127.0.0.1:{signed}"
        self._settings = folder / "server.properties"
        self._settings.write_text(
            _PROPERTIES.format(
                port=self._port, signed=signed, controller=controller, folder=folder
            ),
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None
        told = ["format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(self._settings)]
        command = self._java("kafka.tools.StorageTool", *told)
        subprocess.run(command, check=True, capture_output=True)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self._folder / "log").open("ab") as log:
            command = self._java("kafka.Kafka", str(self._settings))
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        wait_for(self._port, self._process, self._folder / "log", 4 * START_TIMEOUT)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self, *, on: bool) -> None:
        """Have it hang: it takes connections, and answers nothing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP if on else signal.SIGCONT)

    def _java(self, *arguments: str) -> list[str]:
        told = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        told += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{self._libraries}/*"]
        return ["java", *told, *arguments]


@contextlib.contextmanager
def kafka() -> Iterator[Kafka]:
    """Run a broker."""
    libraries = _brought()
    with tempfile.TemporaryDirectory(prefix="deskward-kafka-") as name:
        broker = Kafka(Path(name), libraries)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


def _brought() -> Path:
    """The broker's libraries, fetched once for all tests."""
    if not shutil.which("mvn") or not shutil.which("java"):
        give_up("Maven and Java are not installed (Debian: maven, default-jre-headless)")
    libraries = KEPT / "libraries"
    if not (KEPT / "whole").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / "pom.xml").write_text(_POM.format(VERSION), encoding="utf-8")
        told = ["-DincludeScope=runtime", f"-DoutputDirectory={libraries}"]
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", *told]
        done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True)
        if done.returncode:
            give_up(f"Kafka cannot be fetched by Maven: {done.stdout[-300:]}{done.stderr[-300:]}")
        (KEPT / "whole").touch()
    return libraries
