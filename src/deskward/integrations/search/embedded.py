"""The embedded engine: folders beside the database, which are its cache and can be lost.

Each tenant has two folders: what customers may read, and everything. So that nothing that only
staff may read shows in what a customer finds, not even in a score: words count by how rare they
are among the passages of the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from deskward.core.errors import Unavailable
from deskward.integrations.search.disk import Damaged, alone
from deskward.integrations.search.model import Model, about
from deskward.knowledge.passages import Hit, Passage, Wanted
from deskward.text.vectors import EmbeddingFailed

if TYPE_CHECKING:
    from deskward.integrations.search.folder import Folder  # brings numpy and the engine

FORM = 1
"""The form of what is on the disk; what has another one is made anew."""
ABOUT = "about.json"
READERS = ("customer", "staff")
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class About(TypedDict):
    """What a folder is of."""

    form: int
    model: str
    dimensions: int


class EmbeddedIndex:
    """Passages in a folder of this machine, which several processes may have open."""

    def __init__(self, root: Path, model: Model | None = None) -> None:
        """Keep passages below a folder, which need not be there yet.

        Args:
            root: The folder, which belongs to the index alone.
            model: What makes the vectors, if anything does; those of another are worth nothing.
        """
        self._root = root
        self._model = model
        self._folders: dict[Path, Folder] = {}
        self._lock = threading.Lock()
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="search")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index")

    async def put(self, tenant: str, passages: Sequence[Passage]) -> None:
        """Have passages found, each instead of the one with its id."""
        for_all = [one for one in passages if one.audience == "customer"]
        hidden = [one.id for one in passages if one.audience != "customer"]

        def work() -> None:
            # Customers' at first: what was for them, and is no longer, leaves them before all else.
            self._with(tenant, "customer", lambda folder: folder.put(for_all, without=hidden))
            self._with(tenant, "staff", lambda folder: folder.put(passages))

        await self._in(self._writer, work)

    async def remove(self, tenant: str, passage_ids: Sequence[str]) -> None:
        """Have passages found no longer; those that are not there are none."""

        def work() -> None:
            for reader in READERS:
                self._with(tenant, reader, lambda folder: folder.put((), without=passage_ids))

        await self._in(self._writer, work)

    async def search(self, tenant: str, wanted: Wanted) -> list[Hit]:
        """Find passages, the best first; none where nothing fits."""
        if not wanted.audiences:
            return []
        reader = "staff" if "staff" in wanted.audiences else "customer"
        only = "staff" if wanted.audiences == ("staff",) else None

        def work() -> list[Hit]:
            return self._with(tenant, reader, lambda folder: folder.search(wanted, only))

        return await self._in(self._readers, work)

    async def ids(self, tenant: str) -> frozenset[str]:
        """Return which passages there are.

        One that customers should find and do not is not there: whoever compares puts it again.
        """

        def work() -> frozenset[str]:
            hidden = self._with(tenant, "staff", lambda folder: folder.ids("staff"))
            public = self._with(tenant, "staff", lambda folder: folder.ids("customer"))
            shown = self._with(tenant, "customer", lambda folder: folder.ids())
            return hidden | (public & shown)

        return await self._in(self._readers, work)

    async def count(self, tenant: str) -> int:
        """Return how many passages there are; 0 after all was lost, so that it is put again."""
        return await self._in(self._readers, lambda: self._with(tenant, "staff", len))

    async def aclose(self) -> None:
        """Close what is open."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._folders.clear()

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _with(self, tenant: str, reader: str, work: Callable[[Folder], _T]) -> _T:
        """Do something with a folder; where it is damaged, with a new one in its place."""
        home = self._root / hashlib.sha256(tenant.encode()).hexdigest()[:32]
        try:
            return work(self._folder(home, reader))
        except Damaged as error:
            with self._opening():
                self._begin_anew(home, str(error))
            return work(self._folder(home, reader))

    def _folder(self, home: Path, reader: str) -> Folder:
        """A folder of a tenant, opened or made."""
        from deskward.integrations.search.folder import Folder

        known = self._folders.get(home / reader)
        if known is not None and known.is_there():
            return known
        with self._opening():
            told, wanted = _read(home / ABOUT), self._about(home)
            if told != wanted:
                if home.exists():
                    self._begin_anew(home, f"it is of {told}, and not of {wanted}")
                home.mkdir(mode=0o700)
                (home / ABOUT).write_text(json.dumps(wanted), encoding="utf-8")
            folder = Folder(home / reader, wanted["dimensions"])
            return self._folders.setdefault(home / reader, folder)

    def _about(self, home: Path) -> About:
        """What a folder has to be of. Where the model does not answer, what it is of already."""
        try:
            name, dimensions = about(self._model)
        except EmbeddingFailed as error:
            told = _read(home / ABOUT)
            if told is None or told["form"] != FORM:
                raise Unavailable("Nothing can be searched before the model answers.") from error
            return told
        return {"form": FORM, "model": name, "dimensions": dimensions}

    def _begin_anew(self, home: Path, reason: str) -> None:
        """Have nothing of a tenant; another process that has it open sees so at its next look.

        Both folders go, so that whoever puts back what is missing sees it by the number of all.
        """
        for reader in READERS:
            self._folders.pop(home / reader, None)
        if not home.exists():
            return
        log.warning("The search index at %s is made anew from the database: %s.", home, reason)
        gone = home.with_name(f"{home.name}.gone-{secrets.token_hex(4)}")
        home.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """Wait until nobody else opens or makes a folder, in this process or another."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock, alone(self._root / "opening"):
            yield


def _read(path: Path) -> About | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_one = isinstance(told, dict) and told.keys() == About.__annotations__.keys()
    return cast(About, told) if is_one else None
