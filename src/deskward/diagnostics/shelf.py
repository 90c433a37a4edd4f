"""The workflows of a desk, and which of them fits an issue."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

import yaml

from deskward.core.errors import NotFound
from deskward.core.text import shorten
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.context.nearest import nearest
from deskward.diagnostics.fitting import Fitting
from deskward.diagnostics.loading import WrongWorkflows
from deskward.diagnostics.suites.loading import Suites
from deskward.diagnostics.texts import Texts, catalogues_in, faults_of
from deskward.diagnostics.wishes import NAMES
from deskward.diagnostics.workflow import Workflow
from deskward.text.against import LONGEST, is_well, speaks_against
from deskward.text.folding import folded

_PARTED = "\u0590"
"""From here on are scripts that part no words, or whose words grow in front."""
_WHY = Path(__file__).with_name("names.yaml")


class Shelf:
    """The workflows of a desk: those that ship, and the operator's own.

    The operator's are read when the desk starts, so that a fault shows then; those that ship alone
    are read when the first is asked for.

    Attributes:
        texts: What they say in other languages.
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
        self.texts = Texts(*self._places)
        if own is not None:
            _ = self.workflows
            if problems := faults_of(catalogues_in(own)):
                raise WrongWorkflows(problems)

    @cached_property
    def workflows(self) -> Mapping[str, Workflow]:
        """Id → workflow, in the order of the ids."""
        return dict(sorted(load(*self._places, tests=self._suites.has).items()))

    def of_category(self, product: str, category: str) -> Workflow:
        """The workflow for a category of issues, that of the product before that of all.

        Raises:
            NotFound: There is none; it names the nearest product that has it, or the categories
                that there are.
        """
        fitting = [one for one in self.workflows.values() if _is_for(one, product)]
        wanted = category.strip().casefold().replace("-", "_").replace(" ", "_")
        found = [one for one in fitting if _is_of(one, wanted)]
        if found:
            return min(found, key=lambda one: not one.products)
        others = [one for one in self.workflows.values() if _is_of(one, wanted)]
        meant = nearest(product, [name for one in others for name in one.products])
        if meant is not None:
            raise NotFound(
                "workflow",
                category,
                f"There is no workflow of the category “{category}” for the product "
                f"“{shorten(product)}”. Did you mean the product “{meant}”?",
            )
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
        among = [one for one in self.workflows.values() if _is_for(one, product)]
        found = [] if is_well(issue) else (await self._fit(among, issue))[0]
        if not found:
            raise _unclear(product, among)
        return found[0]

    async def fitting(self, product: str, issue: str) -> tuple[list[Workflow], bool]:
        """The workflows that an issue may be for, the likeliest first; whether words alone told.

        None where the description tells of no trouble of whoever tells it: it denies it, imagines
        it, asks about it, or tells of somebody else's. It waits for vectors, as `for_issue`.
        """
        among = [one for one in self.workflows.values() if _is_for(one, product)]
        found, by_words = await self._fit(among, issue)
        against = speaks_against(issue, NAMES, of_trouble=True) or _only_asks(issue)
        return [] if against else found, by_words

    async def _fit(self, among: Sequence[Workflow], issue: str) -> tuple[list[Workflow], bool]:
        said = issue.casefold()
        score = {one.workflow: (_words_in(one, said), bool(one.products)) for one in among}
        most = max(score.values(), default=(0, False))
        by_words = [one for one in among if score[one.workflow] == most and most[0]]
        meant: list[str] | None = None
        if self._fitting is not None:
            names = [one.workflow for one in among]
            meant = await self._fitting.fits(self.workflows, names, issue)
        if meant is None:
            return by_words, True
        if not meant:  # one word alone does not speak against what the whole means
            return by_words if most[0] >= 2 else [], False
        return [self.workflows[name] for name in meant], False


def _only_asks(issue: str) -> bool:
    """Whether it asks something, and not why something fails."""
    said = folded(issue[:LONGEST])
    asks = any(mark in said for mark in "?？؟")
    return asks and not any(word in said for word in _why())


@cache
def _why() -> frozenset[str]:
    read = yaml.load(_WHY.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return frozenset(folded(word) for words in read["why"].values() for word in words)


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


def _is_of(workflow: Workflow, category: str) -> bool:
    return category in (workflow.category, workflow.workflow.replace("-", "_"))


def _words_in(workflow: Workflow, said: str) -> int:
    return sum(_stands_in(word.casefold(), said) for word in workflow.words)


def _stands_in(word: str, said: str) -> bool:
    """Whether a word of what was said begins so; it may stand anywhere where none are parted."""
    if word[0] >= _PARTED:
        return word in said
    return re.search(rf"(?<!\w){re.escape(word)}", said) is not None
