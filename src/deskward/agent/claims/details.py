"""What a claim says besides its act: numbers, counts, times and the values of fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deskward.agent.claims.evidence import Shown
from deskward.agent.leaves import Evidence
from deskward.text.clauses import Clause, grammar
from deskward.text.spelled import rounded, thousands_in
from deskward.text.values import weekday_of, weekdays


def detail_problem(clause: Clause, shown: Shown, language: str) -> str:
    """Why a clause that claims something names what is not shown, or nothing."""
    rules, words = grammar()[language], clause.words
    for value in clause.values:
        if value.kind == "weekday":
            spoken = value.text.casefold() in shown.text
            if not spoken and weekday_of(value.text, language) not in weekdays(shown.dates):
                return f"no tool shows a {value.text}"
        elif value.kind == "number" and (why := shown.problem(value)):
            return why
    for name, field in shown.declared.fields.items():
        meant = {field.values[word] for word in words if word in field.values}
        real = {str(item[name]) for item in shown.mappings if item.get(name) is not None}
        if field.words & set(words) and not meant <= real:
            return f"no tool shows the {name} {min(meant - real)}"
    if moments := rules["when"] & set(words) - set(shown.text.split()):
        return f"no tool shows what is said of {min(moments)}"
    for said in thousands_in(words, language):
        if not rounded(said, {number for number, _ in shown.alone.money}):
            return f"no tool shows about {said}"
    return _count_problem(clause, shown, language)


def _count_problem(clause: Clause, shown: Shown, language: str) -> str:
    """Why a number of records, or a span of time, is not what the tools show."""
    rules, words = grammar()[language], clause.words
    deeds = sum(one.tool in shown.declared.writes for one in shown.evidence)
    named = {len(clause.ids), deeds}
    numbers = {name: n for n, name in enumerate(rules["numbers"], 1)}
    for at, word in enumerate(words[:-1]):
        if word not in numbers or words[at + 1] in rules["thousand"]:
            continue
        if words[at + 1] in rules["units"] and word not in shown.text.split():
            return f"no tool shows {word} {words[at + 1]}"
        sizes = {name: _sizes(name, shown) for name in shown.declared.kinds}
        for name, kind in shown.declared.kinds.items():
            counted = sizes[name] if kind.nouns[language] in words[at + 1 : at + 3] else ()
            if counted and numbers[word] not in counted:
                return f"no tool shows {word} {name}s"
        if numbers[word] > 1 and numbers[word] not in shown.numbers.union(named, *sizes.values()):
            return f"no tool shows {word} of anything"
    return ""


def _sizes(kind: str, shown: Shown) -> set[int]:
    """How many records of a kind there are, in all and with the same status."""
    found: set[int] = set()
    for items in shown.lists:
        if all(shown.is_of(item, kind) for item in items):
            statuses = [str(item.get("status")) for item in items]
            found |= {len(items), *map(statuses.count, statuses)}
    return found


def crossed(clauses: Sequence[Clause], shown: Shown) -> str:
    """Why values of one record of a list are told of another one, or nothing."""
    values = [v for clause in clauses for v in clause.values if v.kind in ("money", "date")]
    if not values:
        return ""
    words = {word for clause in clauses for word in clause.words if len(word) > 3}
    words |= {value.text.casefold() for clause in clauses for value in clause.values}
    words |= {shown.declared.synonyms.get(word, word) for word in words}
    for items in shown.lists:
        each = [Shown([Evidence("", "ok", {}, item)], (), shown.declared) for item in items]
        texts = [set(re.findall(r"[^\W_]+", one.text)) for one in each]
        common = set.intersection(*texts) if len(texts) > 1 else set()
        named = [at for at, text in enumerate(texts) if (text - common) & words]
        if len(named) != 1:
            continue
        mine = each.pop(named[0])
        for kind in ("money", "date"):
            told = [value for value in values if value.kind == kind]
            if told and all(mine.problem(v) and not all(o.problem(v) for o in each) for v in told):
                return f"{told[0].text} is of another one"
    return ""
