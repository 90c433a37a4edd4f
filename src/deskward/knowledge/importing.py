"""Many articles at once: what is new is created, what is other is changed, what is bad refused."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError

from deskward.core.database import Connection
from deskward.core.errors import InvalidInput, NotFound
from deskward.core.problems import problems_of
from deskward.knowledge import articles
from deskward.knowledge.models import Article, Draft, Import, Imported
from deskward.knowledge.reading import Format, Found, read_articles

_TEXT = ("question", "answer", "keywords", "language")


async def import_file(
    db: Connection,
    tenant: str,
    text: str,
    form: Format,
    author: str,
    *,
    language: str | None,
    publish: bool,
    dry_run: bool,
) -> Import:
    """Bring the articles of a file in. The same file again changes nothing.

    Args:
        language: That of articles that say none; None where their words show it.
        publish: Whether customers see at once what is new or other.
        dry_run: Whether to do nothing, and only tell.
    """
    told: list[Imported] = []
    lines: dict[str, int] = {}
    for found in _found(text, form):
        draft, problem = _draft(found, language)
        if draft is not None and "language" not in draft.model_fields_set:
            draft = await _in_its_language(db, tenant, draft)
        if draft is not None:
            first = lines.setdefault(str(draft.id), found.line)
            problem = f"line {first} has the same id" if first < found.line else ""
        if draft is None or problem:
            given = found.values.get("id")
            told.append(Imported(line=found.line, id=given, outcome="refused", reason=problem))
            continue
        told.append(await _bring(db, tenant, found.line, draft, author, publish, dry_run))
    counts = Counter(one.outcome for one in told)
    return Import(
        dry_run=dry_run,
        created=counts["created"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        refused=counts["refused"],
        articles=told,
    )


def _found(text: str, form: Format) -> list[Found]:
    """The articles of a file; where it cannot be read as a whole, its first line says why."""
    try:
        return read_articles(text, form)
    except InvalidInput as error:
        return [Found(1, problem=error.message)]


async def _in_its_language(db: Connection, tenant: str, draft: Draft) -> Draft:
    """An article of which nobody said in which language it is.

    One that is here already keeps its own, as long as its text is the same.
    """
    assert draft.id is not None
    try:
        present = await articles.show(db, tenant, draft.id)
    except NotFound:
        present = None
    if present is not None and (present.question, present.answer) == (draft.question, draft.answer):
        return draft.model_copy(update={"language": present.language})
    language = await articles.language_of(db, tenant, draft.question, draft.answer)
    return draft.model_copy(update={"language": language})


def _draft(found: Found, language: str | None) -> tuple[Draft | None, str]:
    """What the file wants, with its id; or None, and why it is none."""
    if found.problem:
        return None, found.problem
    told = {"language": language} if language is not None else {}
    values = {**told, **found.values}
    values.setdefault("id", articles.made_id(values.get("question", "")))
    try:
        return Draft.model_validate(values), ""
    except ValidationError as error:
        return None, problems_of(error, Draft)


async def _bring(
    db: Connection,
    tenant: str,
    line: int,
    draft: Draft,
    author: str,
    publish: bool,
    dry_run: bool,
) -> Imported:
    assert draft.id is not None
    try:
        present: Article | None = await articles.show(db, tenant, draft.id)
    except NotFound:
        present = None
    if present is None:
        done = Imported(line=line, id=draft.id, outcome="created")
    elif other := [name for name in _TEXT if getattr(present, name) != getattr(draft, name)]:
        done = Imported(line=line, id=draft.id, outcome="changed", reason=", ".join(other))
    elif publish and present.published != present.latest:
        done = Imported(line=line, id=draft.id, outcome="changed", reason="published")
    else:
        done = Imported(line=line, id=draft.id, outcome="unchanged")
    if dry_run or done.outcome == "unchanged":
        return done
    if done.outcome == "created":
        await articles.create(db, tenant, draft, author)
    else:
        changes = draft.model_dump(include=set(_TEXT))
        await articles.change(db, tenant, draft.id, changes, author)
    if publish:
        await articles.publish(db, tenant, draft.id, None)
    return done
