"""`deskward skills`: check what the offline model can do, and have it learn from hand-overs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.progress import progress_bars
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    print_json,
    read_settings,
    with_database,
)

if TYPE_CHECKING:
    from deskward.agent.offline.skills import Skills
    from deskward.conversations.lessons import Proposal
    from deskward.core.database import Database
    from deskward.evaluation.skill_checks import Confusion, Missing

skills = App(name="skills", help="Check what the offline model can do, and have it learn more.")
learn = App(
    name="learn",
    help="Sentences upon which the agent handed over, for a person to accept as examples. What is "
    "accepted is kept in DATA_DIR and counts for the tenant from the next start.",
)
skills.command(learn)

Id = Annotated[str, Parameter(help="The proposal's id, as `deskward skills learn list` shows it.")]
THEFTS = 20
"""So many pairs of skills are told."""


@skills.command
def check(
    *,
    vectors: Annotated[
        bool,
        Parameter(
            help="Tell skills apart by vectors of sentences, too, as in a conversation. Minutes."
        ),
    ] = False,
    folds: Annotated[
        int, Parameter(help="How many parts sentences are put into, each held out once; 0: none.")
    ] = 5,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say where skills contradict each other, steal from one another, or lack a language.

    Those that ship are checked, or those of SKILLS_DIR, with the examples that the tenant has
    accepted. Each sentence is matched by what was learned without it. Exit code 1: a sentence
    stands for two skills.

    Example: `deskward skills check --folds 10`
    """
    from deskward.evaluation.skill_checks import contradictions, missing, unphrased
    from deskward.features import features_of

    if folds < 0 or folds == 1:
        raise Misused("--folds is 0, or 2 and more")
    settings = read_settings()
    features = features_of(settings)
    known = _known(settings, tenant or settings.default.tenant_id)
    beside = (part.skills.with_name("questions.yaml") for part in features.slices if part.skills)
    twice = contradictions(known)
    lacking, silent = missing(known, filter(Path.exists, beside)), unphrased(known)
    told = _confusion(known, settings, folds, vectors=vectors) if folds else {}
    if as_json:
        from dataclasses import asdict

        print_json(
            {
                "contradictions": [asdict(one) for one in twice],
                "confusion": {name: asdict(one) for name, one in told.items()},
                "missing_translations": [asdict(one) for one in lacking],
                "without_phrases": [asdict(one) for one in silent],
            }
        )
    else:
        print(f"{len(twice)} sentences stand for two skills")
        for one in twice:
            print(f"  {' and '.join(one.names)}: {one.sentence}")
        for name, part in told.items():
            _print_confusion(name, part)
        _print_missing("texts are there in English only, or not in all languages", lacking)
        _print_missing("skills have no phrases of a language", silent)
    sys.exit(1 if twice else 0)


def _confusion(known: Skills, settings: Any, folds: int, *, vectors: bool) -> dict[str, Confusion]:
    from deskward.agent.offline.model import OfflineModel
    from deskward.evaluation.skill_checks import confusion
    from deskward.integrations.embeddings.choose import choose_embedder, for_sentences

    embedder = for_sentences(settings, choose_embedder(settings)) if vectors else None
    if vectors and embedder is None:
        raise Misused("there are no vectors: EMBEDDINGS is off")
    examples = {name: one.examples for name, one in known.skills.items() if one.examples}
    cues = OfflineModel(known, lazy=True).acts.cues
    with progress_bars() as progress:
        found = {
            "examples": confusion(
                *(examples, known.lexicon),
                folds=folds,
                embedder=embedder,
                progress=lambda share: progress("examples", share),
            )
        }
        if len(known.wishes) > 1:
            found["wishes"] = confusion(
                known.wishes,
                folds=folds,
                embedder=embedder,
                cues=cues,
                progress=lambda share: progress("wishes", share),
            )
    return found


def _print_confusion(name: str, found: Confusion) -> None:
    print(f"\nOf {found.sentences} {name} {found.right} were told without having been learned")
    for skill, share in sorted(found.shares.items(), key=lambda item: (item[1], item[0])):
        print(f"  {skill:<24}{share:>6.0%}")
    for one in found.thefts[:THEFTS]:
        print(f"  {one.told} takes {one.count} of {one.wanted}: {' | '.join(one.sentences)}")


def _print_missing(what: str, found: list[Missing]) -> None:
    print(f"\n{len(found)} {what}")
    for one in found:
        print(f"  {one.what}: {', '.join(one.languages)}")


@learn.command(name="list")
def list_(
    *,
    accepted: Annotated[
        bool, Parameter(help="What was accepted, instead of what is proposed.")
    ] = False,
    tenant: Tenant = None,
    as_: Operator = None,
    as_json: Json = False,
) -> None:
    """List sentences upon which the agent handed over, with the skill that each may have meant.

    They are masked: names, numbers, ids and addresses of people stand in none. Who asked for a
    person was understood, and is left out.

    Example: `deskward skills learn list`
    """

    async def work(database: Database, settings: Any) -> int:
        from dataclasses import asdict

        from deskward.agent.offline.teaching import FILE, Decided, read

        where = tenant or settings.default.tenant_id
        async with database.transaction():
            pass  # so that it is on record who has read customers' words
        if accepted:
            kept = read(settings.data_dir / FILE).get(where, Decided()).accepted
            if as_json:
                print_json(kept)
                return 0
            for name, sentences in sorted(kept.items()):
                for sentence in sentences:
                    print(f"{name:<20} {sentence}")
            return 0
        found = await _proposed(database, settings, where)
        if as_json:
            print_json([asdict(one) for one in found])
            return 0
        for one in found:
            perhaps = f"{one.skill} ({one.score:.0%})" if one.skill else "no skill is like it"
            print(f"{one.id}  {one.count:>4}  {perhaps}\n    {one.text}")
        if not found:
            print("Nothing is proposed.", file=sys.stderr)
        return 0

    with_database(work, ("list_examples", _told(tenant, accepted=accepted)), as_)


@learn.command
def accept(
    example: Id,
    /,
    *,
    skill: Annotated[
        str | None, Parameter(help="The skill that it means. Default: the one it is listed with.")
    ] = None,
    text: Annotated[
        str | None,
        Parameter(help="The sentence in other words. Default: as listed, without masks."),
    ] = None,
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Have a skill learn a proposed sentence, from the next start on.

    `--skill none` has it left alone. Exit code 1: it is not proposed, or stands for another skill.

    Example: `deskward skills learn accept 0a1b2c3d4e5f --skill order_status`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.agent.offline.teaching import FILE, Decided, changing, standing_for
        from deskward.conversations.lessons import bare_of, names_in, words_of
        from deskward.core.errors import Conflict, InvalidInput
        from deskward.security.anonymous import MASK, without_people

        where = tenant or settings.default.tenant_id
        one = await _proposal(database, settings, where, example)
        known = _known(settings, where)
        name = skill or one.skill
        if name is None:
            raise InvalidInput("no skill is like it: say which it means, with --skill")
        if name not in known.skills:
            raise InvalidInput(f"there is no skill {name!r}: {', '.join(sorted(known.skills))}")
        sentence = bare_of(one.text) if text is None else " ".join(text.split())
        if not sentence or MASK.search(without_people(sentence)):
            raise InvalidInput("the sentence is empty, or tells who somebody is")
        own = [*(one.examples for one in known.skills.values()), *known.wishes.values()]
        if named := await names_in(database.reader, where, sentence, words_of(own)):
            raise InvalidInput(
                f"the sentence tells who somebody is: {', '.join(sorted(named))} names a customer. "
                'Say it in other words: --text "..."'
            )
        if others := standing_for(known, sentence) - {name}:
            raise Conflict(f"this sentence stands for {', '.join(sorted(others))} already")
        async with database.transaction():
            pass  # the ledger's row is there before what it tells of
        with changing(settings.data_dir / FILE) as decided:
            mine = decided.setdefault(where, Decided())
            kept = mine.accepted.setdefault(name, [])
            if sentence not in kept:
                kept.append(sentence)
            mine.decided = [*dict.fromkeys([*mine.decided, one.id])]
        print(f"{name} learns it for {where} at the next start: {sentence}")
        return 0

    told = _told(tenant, example_id=example, skill=skill)
    with_database(work, ("accept_example", told), as_)


@learn.command
def reject(example: Id, /, *, tenant: Tenant = None, as_: Operator = None) -> None:
    """Have a sentence proposed no more.

    Example: `deskward skills learn reject 0a1b2c3d4e5f`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.agent.offline.teaching import FILE, Decided, changing

        where = tenant or settings.default.tenant_id
        one = await _proposal(database, settings, where, example)
        async with database.transaction():
            pass  # the ledger's row is there before what it tells of
        with changing(settings.data_dir / FILE) as decided:
            mine = decided.setdefault(where, Decided())
            mine.decided = [*dict.fromkeys([*mine.decided, one.id])]
        print("It is proposed no more.")
        return 0

    with_database(work, ("reject_example", _told(tenant, example_id=example)), as_)


def _known(settings: Any, tenant: str) -> Skills:
    """The skills as a tenant's conversations meet them."""
    from deskward.features import features_of
    from deskward.shipped import taught_skills

    skills, theirs = taught_skills(settings, features_of(settings))
    return theirs.get(tenant, skills)


def _told(tenant: str | None, **details: Any) -> dict[str, Any]:
    """What the ledger is told; the tenant only where one is named."""
    return {**({"tenant": tenant} if tenant is not None else {}), **details}


async def _proposed(database: Database, settings: Any, tenant: str) -> list[Proposal]:
    """What is proposed to a tenant and was not decided on."""
    from functools import partial

    from deskward.agent.offline.model import OfflineModel
    from deskward.agent.offline.teaching import FILE, Decided, guess, read
    from deskward.conversations.lessons import proposals
    from deskward.features import features_of
    from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
    from deskward.security.tenants import require_open
    from deskward.shipped import skills_of

    await require_open(database.reader, tenant)
    features = features_of(settings)
    embedder = for_sentences(settings, choose_embedder(settings))
    # Without what was accepted, which would have to be learned anew for each command.
    model = OfflineModel(skills_of(settings, features), lazy=True, embedder=embedder)
    model.learn(vectors=True)
    handing = {tool.name for tool in features.tools if tool.hands_over}
    found = await proposals(database.reader, tenant, handing, partial(guess, model))
    gone = read(settings.data_dir / FILE).get(tenant, Decided()).decided
    return [one for one in found if one.id not in gone]


async def _proposal(database: Database, settings: Any, tenant: str, example: str) -> Proposal:
    from deskward.core.errors import NotFound

    found = await _proposed(database, settings, tenant)
    if (one := next((one for one in found if one.id == example), None)) is None:
        raise NotFound("example", example)
    return one
