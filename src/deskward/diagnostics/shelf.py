"""The workflows of a desk, and which of them fits an issue."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from deskward.core.errors import NotFound
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.fitting import Fitting
from deskward.diagnostics.suites.loading import Suites
from deskward.diagnostics.workflow import Workflow
from deskward.text.against import is_well


class Shelf:
    """The workflows of a desk: those that ship, and the operator's own.

    The operator's are read when the desk starts, so that a fault shows then; those that ship alone
    are read when the first is asked for.
    """

    def __init__(self, own: Path | None, suites: Suites, fitting: Fitting | None = None) -> None:
        """Take the operator's folder.

        Args:
            suites: The suites whose tests steps name.
            fitting: Knows what issues mean; without, words tell which workflow fits.

        Raises:
            WrongWorkflows: One of them cannot be used.
        """
        self._places = (SHIPPED,) if own is None else (SHIPPED, own)
        self._suites = suites
        self._fitting = fitting
        if own is not None:
            _ = self.workflows

    @cached_property
    def workflows(self) -> Mapping[str, Workflow]:
        """Id → workflow, in the order of the ids."""
        return dict(sorted(load(*self._places, tests=self._suites.has).items()))

    def of_category(self, product: str, category: str) -> Workflow:
        """The workflow for a category of issues, that of the product before that of all.

        Raises:
            NotFound: There is none; it names those that there are.
        """
        fitting = [one for one in self.workflows.values() if _is_for(one, product)]
        wanted = category.strip().casefold().replace("-", "_").replace(" ", "_")
        found = [one for one in fitting if wanted in (one.category, one.workflow.replace("-", "_"))]
        if found:
            return min(found, key=lambda one: not one.products)
        known = sorted({one.category for one in fitting})
        near = difflib.get_close_matches(wanted, known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise NotFound(
            "workflow",
            category,
            f"There is no workflow for issues of the category “{category}”. {hint}There are: "
            f"{', '.join(known)}.",
        )

    async def for_issue(self, product: str, issue: str) -> Workflow:
        """The workflow that an issue's description means.

        Where nothing knows what it means, that whose words it has most of. It waits for vectors,
        so nobody holds a transaction meanwhile.

        Raises:
            NotFound: It means none, or says that nothing is wrong; it names the categories that
                there are.
        """
        fitting = [one for one in self.workflows.values() if _is_for(one, product)]
        if is_well(issue):
            raise _unclear(product, fitting)
        meant: str | None = None
        if self._fitting is not None:
            names = [one.workflow for one in fitting]
            meant = await self._fitting.meant(self.workflows, names, issue)
        if meant:
            return self.workflows[meant]
        said = issue.casefold()
        score = {one.workflow: (_words_in(one, said), bool(one.products)) for one in fitting}
        best = max(fitting, key=lambda one: score[one.workflow], default=None)
        # One word alone does not speak against what the whole means.
        least = 1 if meant is None else 2
        if best is not None and score[best.workflow][0] >= least:
            return best
        raise _unclear(product, fitting)


def _unclear(product: str, fitting: Sequence[Workflow]) -> NotFound:
    known = sorted({one.category for one in fitting})
    return NotFound(
        "workflow",
        product,
        "The description does not show what kind of issue it is. Say it in "
        f"`environment_info` as `category`, one of: {', '.join(known)}.",
    )


def _is_for(workflow: Workflow, product: str) -> bool:
    names = {one.casefold() for one in workflow.products}
    return not names or product.strip().casefold() in names


def _words_in(workflow: Workflow, said: str) -> int:
    return sum(
        re.search(rf"(?<!\w){re.escape(word.casefold())}", said) is not None
        for word in workflow.words
    )
