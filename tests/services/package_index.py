"""A package index of a few made-up packages, for installing without the world's."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class PackageIndex:
    """Wheels by their file name; `url` is what pip is given as PIP_INDEX_URL."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.held: set[str] = set()
        """File names that are not sent while the index stands; who asks for one waits."""
        self.asked: set[str] = set()
        self.closing = threading.Event()

    def add(
        self, name: str, version: str, *needs: str, modules: Mapping[str, str] | None = None
    ) -> str:
        """Add a wheel; gives its line in a lock file.

        Args:
            name: The package's name.
            version: Its version.
            needs: What it requires.
            modules: More files of the package, by name; they come after its metadata.
        """
        about = f"{name}-{version}.dist-info"
        extras = {each.partition('extra == "')[2].rstrip('"') for each in needs} - {""}
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
        lines += [f"Requires-Dist: {each}" for each in needs]
        files = {
            f"{about}/METADATA": "\n".join(lines) + "\n",
            f"{about}/WHEEL": WHEEL,
            f"{name}/__init__.py": f"version = {version!r}\n",
            **{f"{name}/{file}": text for file, text in (modules or {}).items()},
        }
        file, content = f"{name}-{version}-py3-none-any.whl", wheel(about, files)
        self.files[file] = content
        return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"

    def page(self, project: str) -> bytes:
        """The simple index's page of a project."""
        names = [name for name in self.files if name.startswith(f"{project}-")]
        return "".join(f'<a href="/files/{name}">{name}</a>\n' for name in names).encode()


def wheel(about: str, files: Mapping[str, str]) -> bytes:
    """A wheel, with its record, in the order that is given."""
    names: Sequence[str] = [*files, f"{about}/RECORD"]
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(names[-1], "".join(f"{name},,\n" for name in names))
    return written.getvalue()


@contextlib.contextmanager
def package_index() -> Iterator[PackageIndex]:
    """Serve an index on a free port of this machine."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, name = self.path.strip("/").partition("/")
            index.asked.add(name)
            if name in index.held:
                index.closing.wait()
                return
            content = index.page(name) if kind == "simple" else index.files.get(name)
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html" if kind == "simple" else "application/zip")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/simple/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield index
        finally:
            index.closing.set()
            server.shutdown()
            thread.join()
