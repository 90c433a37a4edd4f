"""Which adapter reads a source."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from deskward.core.outside import Outside
from deskward.integrations.sources.folder import open_folder
from deskward.integrations.sources.git import open_git
from deskward.integrations.sources.s3 import open_bucket
from deskward.integrations.sources.svn import open_svn
from deskward.integrations.sources.web import open_web
from deskward.knowledge.origins import Origin, Origins, Source


def choose_origins(work: Path, outside: Outside, most: int) -> Origins:
    """What opens sources.

    Args:
        work: A folder for what adapters keep between two syncs.
        outside: Reaches other machines, where that is allowed.
        most: Bytes of a document that are read at the most.
    """

    def opened(source: Source) -> AbstractAsyncContextManager[Origin]:
        match source.kind:
            case "folder":
                return open_folder(source, most)
            case "git":
                return open_git(source, work, outside, most)
            case "svn":
                return open_svn(source, work, outside, most)
            case "web":
                return open_web(source, outside, most)
            case "s3":
                return open_bucket(source, outside, most)

    return opened
