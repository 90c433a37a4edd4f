"""Articles: written in versions, of which at most one is published; whatever was cited stays."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.paging import newest
from deskward.knowledge import published
from deskward.knowledge.formats.languages import UNKNOWN, detected
from deskward.knowledge.models import (
    Article,
    ArticleLine,
    ArticleList,
    ArticleSource,
    ArticleVersion,
    Draft,
    FaqEntry,
    article_sources,
    article_versions,
    articles,
    faq,
)
from deskward.security import tenants

_TEXT = ("question", "answer", "keywords", "language")


def made_id(question: str) -> str:
    """The id that follows from a question: its letters and digits, in any alphabet."""
    plain = unicodedata.normalize("NFC", question).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-")[:64].strip("-")


async def language_of(db: Connection, tenant: str, question: str, answer: str) -> str:
    """The language that an article is in: as its words show, or else the tenant's usual one."""
    found = detected([f"{question}\n{answer}"])
    if found != UNKNOWN:
        return found
    owner = await tenants.find(db, tenant)
    return owner.languages[0] if owner is not None and owner.languages else "en"


async def known(db: Connection, tenant: str, article_id: str) -> sa.Row[tuple[object, ...]]:
    """The row of an article.

    Raises:
        NotFound: The tenant has none of that id.
    """
    row = await db.first(
        sa.select(articles).where(articles.c.tenant_id == tenant, articles.c.id == article_id)
    )
    if row is None:
        raise NotFound("article", article_id)
    return row


async def show(db: Connection, tenant: str, article_id: str, version: int | None = None) -> Article:
    """An article with all its versions, at one of them.

    Args:
        version: Which; the newest where it is left out.

    Raises:
        NotFound: There is no such article, or no such version of it.
    """
    row = await known(db, tenant, article_id)
    rows = await db.all(
        sa.select(article_versions)
        .where(article_versions.c.tenant_id == tenant, article_versions.c.article_id == article_id)
        .order_by(article_versions.c.version.desc())
    )
    wanted = row.latest if version is None else version
    at = next((one for one in rows if one.version == wanted), None)
    if at is None:
        raise NotFound("version", f"{wanted} of {article_id}")
    return Article(
        id=article_id,
        **{name: getattr(at, name) for name in _TEXT},
        version=at.version,
        latest=row.latest,
        published=row.published,
        author=at.author,
        created_at=at.created_at,
        versions=[
            ArticleVersion(version=one.version, author=one.author, created_at=one.created_at)
            for one in rows
        ],
        sources=await _sources(db, tenant, article_id, at.version),
    )


async def _sources(
    db: Connection, tenant: str, article_id: str, version: int
) -> list[ArticleSource]:
    rows = await db.all(
        sa.select(article_sources)
        .where(
            article_sources.c.tenant_id == tenant,
            article_sources.c.article_id == article_id,
            article_sources.c.version == version,
        )
        .order_by(article_sources.c.place)
    )
    return [ArticleSource(sentence=row.sentence, tickets=row.tickets) for row in rows]


async def create(db: Connection, tenant: str, draft: Draft, author: str) -> str:
    """Write a new article, which nobody but staff sees yet; gives its id.

    Raises:
        Conflict: There is one of that id.
        InvalidInput: The question has no letter or digit to make an id of.
    """
    article_id = draft.id or made_id(draft.question)
    if not article_id:
        raise InvalidInput("An article needs an id, or a question with letters or digits.")
    where = (articles.c.tenant_id == tenant, articles.c.id == article_id)
    if await db.first(sa.select(articles.c.id).where(*where)) is not None:
        raise Conflict(
            f"There is an article {article_id} already.", details={"article_id": article_id}
        )
    row = {"tenant_id": tenant, "id": article_id, "latest": 1, "changed_at": now()}
    await db.execute(articles.insert(), row)
    await _write(db, tenant, article_id, 1, draft.model_dump(include=set(_TEXT)), author)
    of_it = {"tenant_id": tenant, "article_id": article_id, "version": 1}
    if draft.sources:
        rows = [
            {**of_it, "place": place, **one.model_dump()} for place, one in enumerate(draft.sources)
        ]
        await db.execute(article_sources.insert(), rows)
    return article_id


async def change(
    db: Connection,
    tenant: str,
    article_id: str,
    changes: dict[str, str],
    author: str,
    *,
    version: int | None = None,
) -> bool:
    """Write an article's next version; False where it says that already.

    Customers go on seeing the published version until the new one is published.

    Args:
        version: The version that the author saw.

    Raises:
        NotFound: There is no such article.
        Conflict: Somebody has changed it since.
    """
    present = await show(db, tenant, article_id)
    if version not in (None, present.latest):
        raise Conflict(
            f"Article {article_id} has a newer version, {present.latest}.",
            details={"latest": present.latest},
        )
    text = {name: getattr(present, name) for name in _TEXT}
    if {**text, **changes} == text:
        return False
    following = present.latest + 1
    moved = await db.execute(
        sa.update(articles)
        .where(
            articles.c.tenant_id == tenant,
            articles.c.id == article_id,
            articles.c.latest == present.latest,
        )
        .values(latest=following, changed_at=now())
    )
    if moved.rowcount != 1:
        raise Conflict(f"Somebody is changing article {article_id}.")
    await _write(db, tenant, article_id, following, {**text, **changes}, author)
    return True


async def publish(db: Connection, tenant: str, article_id: str, version: int | None) -> int:
    """Have customers see a version of an article, the newest by default; gives its number.

    Raises:
        NotFound: There is no such article, or no such version of it.
    """
    shown = await show(db, tenant, article_id, version)
    await _unpublished(db, tenant, article_id)
    text = {name: getattr(shown, name) for name in _TEXT}
    row = {"tenant_id": tenant, "id": article_id, "version": shown.version, **text}
    await db.execute(faq.insert(), row)
    await published.bring(db, tenant, FaqEntry(article_id, **text, version=shown.version))
    await _mark(db, tenant, article_id, shown.version)
    return shown.version


async def unpublish(db: Connection, tenant: str, article_id: str) -> int | None:
    """Have nobody but staff see an article; gives the version that customers saw."""
    row = await known(db, tenant, article_id)
    await _unpublished(db, tenant, article_id)
    await published.take(db, tenant, article_id)
    await _mark(db, tenant, article_id, None)
    seen: int | None = row.published
    return seen


async def listed(
    db: Connection,
    tenant: str,
    status: Literal["draft", "published"] | None,
    language: str | None,
    *,
    limit: int,
    offset: int,
) -> ArticleList:
    """One page of the articles, the last changed first."""
    newest_text = sa.and_(
        article_versions.c.tenant_id == articles.c.tenant_id,
        article_versions.c.article_id == articles.c.id,
        article_versions.c.version == articles.c.latest,
    )
    where = [articles.c.tenant_id == tenant]
    if status is not None:
        seen = articles.c.published.is_not(None)
        where.append(seen if status == "published" else ~seen)
    if language is not None:
        speaks = sa.select(1).where(newest_text, article_versions.c.language == language)
        where.append(speaks.exists())
    total, rows = await newest(db, articles, where, limit=limit, offset=offset, by="changed_at")
    lines = []
    for row in rows:
        at = await db.first(
            sa.select(article_versions).where(
                article_versions.c.tenant_id == tenant,
                article_versions.c.article_id == row.id,
                article_versions.c.version == row.latest,
            )
        )
        assert at is not None
        lines.append(
            ArticleLine(
                id=row.id,
                question=at.question,
                language=at.language,
                latest=row.latest,
                published=row.published,
                author=at.author,
                changed_at=row.changed_at,
            )
        )
    return ArticleList(total=total, limit=limit, offset=offset, articles=lines)


async def _write(
    db: Connection, tenant: str, article_id: str, version: int, text: dict[str, str], author: str
) -> None:
    row = {"tenant_id": tenant, "article_id": article_id, "version": version, **text}
    await db.execute(article_versions.insert(), {**row, "author": author, "created_at": now()})


async def _unpublished(db: Connection, tenant: str, article_id: str) -> None:
    await db.execute(sa.delete(faq).where(faq.c.tenant_id == tenant, faq.c.id == article_id))


async def _mark(db: Connection, tenant: str, article_id: str, version: int | None) -> None:
    await db.execute(
        sa.update(articles)
        .where(articles.c.tenant_id == tenant, articles.c.id == article_id)
        .values(published=version, changed_at=now())
    )
