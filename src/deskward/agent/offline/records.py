"""Questions about records, answered from a tool's result by filtering, counting and summing.

"How much did I spend at Amazon last month?", "has my salary come in?", "what is my address?": the
answer says what was looked at, and lists no more than that. Words are data:
`text/lists/sums.yaml`; texts: `records.yaml`. Which
skills' answers tell of what is declared with the skills.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.declared import Sums
from deskward.agent.offline.deeds import Deeds
from deskward.agent.offline.lookup import Hit, Lookup, Token, plain, tokens_of
from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import Skill
from deskward.core.answers import status_of
from deskward.core.money import decimal_of
from deskward.text.language import language_of
from deskward.text.lists import read_list
from deskward.text.spacing import ALONE

LONGEST = 120
"""Characters of such a question."""
TOLD = 5
"""So many of those that fit are listed."""
LEAD = 2
"""Words that may stand before those that ask: "ok and how much …"."""
UNSPACED = ("ja",)
"""Languages in which each letter is a word, and what asks stands at the end."""
FOLLOWS = 4
"""Words of a question that goes on with the last one."""
LONGER = 9
"""The same of one that asks once more for what was told: "and how much was that again?"."""
NAME = 4
"""Letters of a word by which a text is known that no list has."""

Hits = Mapping[str, Sequence[Hit]]


class Row(NamedTuple):
    """Money that went out, where it is negative, or came in."""

    amount: int
    currency: str
    text: str
    day: date


class Records(Deeds):
    """A step that answers questions about records."""

    def _of_records(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is looked up for a question about records; None where it is none."""
        if len(text) > LONGEST:
            return None
        language = language_of([text], otherwise=self._language())
        hits = _lookup(language).find(tokens_of(plain(text)))
        acts = self._model.acts
        if acts.read(text).wishes or not acts.cues(text).isdisjoint({"if", "others", "said"}):
            return None
        field = next((n[6:] for n in hits if n.startswith("about:")), "")
        if field and "what" in hits:
            for skill in self._mine():
                if field in skill.tells:
                    return self._looks_up(skill, {"field": field, "text": text})
        things = [name for name in hits if name.startswith("thing:")]
        money = "spent" in hits and (bool(things) or "much" in hits)
        money = money or ("came" in hits and bool(things))
        spaced = language not in UNSPACED
        asks = text.rstrip().endswith(("?", "？", "؟")) or any(
            hit.start <= LEAD or not spaced for hit in hits.get("asks", ())
        )
        if not (money and asks) and not ("most" in hits and "asks" in hits):
            follows = self._follows(text, things)
            if follows is None:
                return None
            text, language = follows
        for skill in self._mine():
            if skill.sums is not None:
                return self._looks_up(skill, {"text": text, "language": language})
        return None

    def _looks_up(self, skill: Skill, asked: Mapping[str, Any]) -> Iterator[ToolRequest]:
        assert skill.tool is not None
        self.state = {"records": {"skill": skill.name, **asked}}
        more = skill.sums.arguments if skill.sums else {}
        return iter([ToolRequest("record", skill.tool, {**skill.arguments, **more})])

    def _follows(self, text: str, things: Sequence[str]) -> tuple[str, str] | None:
        """A question of a few words that goes on with the last one: "and electricity?"."""
        asked = self._left_behind().get("records", {})
        if "language" not in asked or len(text.split()) > LONGER:
            return None
        tokens = tokens_of(plain(text))
        if not things and "again" in _lookup(asked["language"]).find(tokens):
            return asked["text"], asked["language"]  # "and how much was it again?"
        if len(text.split()) > FOLLOWS:
            return None
        if not (things or _names(tokens, _lookup(asked["language"]).find(tokens))):
            return None
        return f"{_without_things(asked['text'], asked['language'])} {text}", asked["language"]

    def _mine(self) -> Iterator[Skill]:
        """The skills that tell of records and need not to be told whose."""
        for skill in self._model.skills.values():
            tells = skill.tells or skill.sums
            if tells and skill.tool in self._needs and not self._needs[skill.tool or ""]:
                yield skill

    def _after_record(self, asked: Mapping[str, Any], last: Message) -> Iterator[str]:
        result = json.loads(last.text)
        skill = self._model.skill(asked["skill"])
        if status_of(result) != "ok":
            yield self._answer(None, result, {})
        elif "field" in asked:
            value = result.get(asked["field"]) or self._record("not_on_file")
            yield self._record(asked["field"], value=str(value))
        elif skill is not None and skill.sums is not None:
            rows = [_row(one, skill.sums) for one in result[skill.sums.rows]]
            yield self._summed(asked, rows)
        self.state = {"records": dict(asked)}

    def _summed(self, asked: Mapping[str, Any], rows: Sequence[Row]) -> str:
        text, language = asked["text"], asked["language"]
        if not rows:
            return self._record("looked_none")
        tokens = tokens_of(plain(text))
        hits = _lookup(language).find(tokens)
        found = [row for row in rows if _fits(row, tokens, hits)]
        start, end = _period(hits, datetime.now(UTC).date())
        found = [row for row in found if start <= row.day <= end]
        is_in = asked.get("in", "came" in hits and "spent" not in hits)
        most = "most" in hits
        found = [row for row in found if (row.amount > 0) is is_in]
        between = "" if start == date.min else self._between(start, end)
        count, since = len(rows), self._date(min(row.day for row in rows))
        looked = self._record("looked", count=str(count), since=since)
        if not found:
            return f"{self._record('none', period=between)} {looked}"
        if most:
            found = [max(found, key=lambda row: abs(row.amount))]
        name = "most" if most else "came" if is_in else "spent"
        total = self._sum(found)
        said = self._record(name, total=total, count=str(len(found)), period=between)
        lines = [self._line(row) for row in found[:TOLD]]
        lines += ["…"] if len(found) > TOLD else []
        return "\n".join([said, *lines, looked])

    def _sum(self, rows: Sequence[Row]) -> str:
        sums: dict[str, int] = defaultdict(int)
        for row in rows:
            sums[row.currency] += abs(row.amount)
        return " + ".join(self._money(amount, currency) for currency, amount in sums.items())

    def _line(self, row: Row) -> str:
        money = self._money(abs(row.amount), row.currency)
        return f"- {self._date(row.day)}: {row.text}, {money}"

    def _money(self, amount: int, currency: str) -> str:
        from babel.numbers import format_currency

        value = decimal_of(amount, currency)
        return format_currency(value, currency, locale=self._language())

    def _date(self, day: date) -> str:
        from babel.dates import format_date

        return format_date(day, "medium", locale=self._language())

    def _between(self, start: date, end: date) -> str:
        return self._record("between", start=self._date(start), end=self._date(end))

    def _record(self, name: str, **values: str) -> str:
        texts = texts_of("records")[name]
        return texts.get(self._language(), texts["en"]).format(**values)


def _row(record: Mapping[str, Any], sums: Sums) -> Row:
    money, day = record[sums.amount], datetime.fromisoformat(record[sums.at]).date()
    return Row(money["amount"], money["currency"], str(record[sums.text]), day)


def _fits(row: Row, tokens: Sequence[Token], hits: Hits) -> bool:
    """Whether money went to whom, or for what, the question names; any, where it names none."""
    own = tokens_of(plain(row.text))
    wanted = {name for name in hits if name.startswith("thing:")}
    if wanted:
        return not wanted.isdisjoint(_lookup("en").find(own))
    names = _names(tokens, hits)
    begun = {token.text[:NAME] for token in own if len(token.text) >= NAME}
    return not names or any(name[:NAME] in begun for name in names)


def _names(tokens: Sequence[Token], hits: Hits) -> list[str]:
    """Behind words such as "at": with whom it is, where no list knows that."""
    known = {at for some in hits.values() for hit in some for at in range(hit.start, hit.end)}
    behind = {hit.end for hit in hits.get("at", ())}
    return [
        token.text
        for at, token in enumerate(tokens)
        if at in behind
        and at not in known
        and len(token.text) >= NAME
        and not (len(token.text) == 1 and token.text in ALONE)
    ]


def _period(hits: Hits, today: date) -> tuple[date, date]:
    name = next((n.removeprefix("period:") for n in hits if n.startswith("period:")), "")
    monday, first = today - timedelta(today.weekday()), today.replace(day=1)
    if name.isdigit():
        day = today - timedelta(int(name))
        return day, day
    before = first - timedelta(1)
    return {
        "week": (monday, today),
        "lastweek": (monday - timedelta(7), monday - timedelta(1)),
        "month": (first, today),
        "lastmonth": (before.replace(day=1), before),
    }.get(name, (date.min, date.max))


def _without_things(text: str, language: str) -> str:
    tokens = tokens_of(plain(text))
    hits = _lookup(language).find(tokens)
    things = {
        at
        for name, some in hits.items()
        if name.startswith("thing:")
        for hit in some
        for at in range(hit.start, hit.end)
    }
    return " ".join(token.text for at, token in enumerate(tokens) if at not in things)


@cache
def _lookup(language: str) -> Lookup:
    lists = read_list("sums")
    own = lists.get(language, lists["en"])
    found = [(name, words) for name, words in own.items() if isinstance(words, list)]
    found += [(f"about:{name}", words) for name, words in own["about"].items()]
    found += [(f"period:{name}", words) for name, words in own["periods"].items()]
    found += [(f"thing:{name}", words) for name, words in lists["things"].items()]
    return Lookup(found)
