"""What stands between the topic of a sentence and an act: does this customer want it done?

A topic does not tell: "do not change my password to …" is about changing a password. Here the
structure of the sentence counts: a command, a wish or a request whose verb and thing belong
together with nothing unknown between them, and no negation, condition, doubt, quotation, mockery or
other people's affairs about it. Whatever is not understood is no wish. Words are data
(`text/lists/acts.yaml` and the `acts` of skills); no language is built in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.marked import Marked, Ways
from deskward.agent.offline.phrases import QUOTED, Hits, Phrases, Range, Word, covered, words_of
from deskward.agent.offline.wishing import Wish, Wishing
from deskward.text.lists import read_list

LONGEST = 2_000
"""Characters of a message in which acts are looked for; a longer one is for people."""

_QUOTES = re.compile(
    r"\"[^\"]{0,500}\"|“[^”]{0,500}”|„[^“”]{0,500}[“”]|«[^»]{0,500}»|‹[^›]{0,500}›"
    r"|「[^」]{0,500}」|(?m:^[ \t]{0,20}>.*$)"
)
_ENDS = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"')\]»”]{0,5}(?=\s)|\n)\s*")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|\d{1,2}|st|nr|no|apt|str|dr|mr|mrs|ave|rd|av|c|pza|sra?)\.$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[\[\w{1,20}:\d{1,9}\]\]")


@dataclass
class Reading:
    """What a message asks to have done.

    Attributes:
        wishes: In order.
        unwished: The skill that is spoken of without being wished, or nothing, and
        why: why that is no wish: the name of the list whose word says so, or `asks` or `unclear`.
        denied: Whether anything in the message negates, doubts or makes a condition.
    """

    wishes: list[Wish] = field(default_factory=list)
    unwished: str = ""
    why: str = ""


class Acts:
    """Reads messages by what skills declare and the lists say."""

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        """Make it.

        Args:
            declared: Skill → its verbs and things, in languages that `text/lists/acts.yaml` has.
        """
        self._declared = declared
        lists = read_list("acts")
        known = _all_negators(lists)
        self._languages = [_Language(name, words, declared, known) for name, words in lists.items()]

    def read(self, text: str) -> Reading:
        """What a message, its secrets masked, asks to have done."""
        if len(text) > LONGEST:
            return Reading(why="unclear")
        bare = _QUOTES.sub(_blank, text)
        spans = _sentences(bare)
        whole: dict[bool, list[Word]] = {}
        readings = []
        for language in self._languages:
            if language.elides not in whole:
                whole[language.elides] = words_of(bare, elides=language.elides)
            readings.append(language.read(text, whole[language.elides], spans))
        # Some sentences are of several languages; where one of them says no, it is no wish.
        refusing = [reading for reading in readings if reading.why not in ("", "asks", "unclear")]
        if refusing:
            return Reading([], refusing[0].unwished, refusing[0].why)
        best = max(readings, key=lambda reading: len(reading.wishes))
        return best if best.wishes else next((r for r in readings if r.unwished), best)

    def says_no_more(self, text: str, value: str) -> bool:
        """Whether a message only gives a value, with words around it that say nothing."""
        rest = text.replace(value, " ", 1)
        return "?" not in rest and any(
            language.says_nothing(words_of(rest, elides=language.elides))
            for language in self._languages
        )

    def speaks_of(self, skill: str, text: str) -> bool:
        """Whether a message names the thing that a skill is about."""
        return any(
            language.names(skill, words_of(text, elides=language.elides))
            for language in self._languages
        )

    def wants_something(self, text: str) -> bool:
        """Whether a message wants or asks for something, and nothing in it says otherwise."""
        return any(
            language.wants_something(words_of(text, elides=language.elides), "?" in text)
            for language in self._languages
        )

    def names_several(self, skill: str, wish: Wish, text: str) -> bool:
        """Whether a message names more than one thing that the wish may be about."""
        named = self._declared[skill].named
        if not named or wish.loss or self._declared[skill].any:
            return False
        for part in (wish.said, text):
            words = {word.text for word in words_of(part) if re.fullmatch(named, word.text)}
            if words:
                return len(words) > 1
        return False


def _blank(quote: re.Match[str]) -> str:
    """What is quoted as one word of the same length; a secret's placeholder stays."""
    inner = quote.group()[1:-1]
    if _PLACEHOLDER.fullmatch(inner):
        return f" {inner} "
    return f" {QUOTED * max(0, len(quote.group()) - 2)} " if len(inner) else quote.group()


def _sentences(text: str) -> list[Range]:
    spans: list[Range] = []
    start = 0
    for end in _ENDS.finditer(text):
        if not _ABBREVIATED.search(text[max(0, end.start() - 6) : end.start() + 1]):
            spans.append((start, end.end()))
            start = end.end()
    spans.append((start, len(text)))
    return [(a, b) for a, b in spans if text[a:b].strip()]


def _all_negators(lists: Mapping[str, Mapping[str, list[str]]]) -> dict[str, set[str]]:
    """Negators of one word of each language."""
    return {
        name: {word for word in words["not"] if " " not in word and not word.startswith("~")}
        for name, words in lists.items()
    }


class _Language:
    """Reads messages in one language."""

    def __init__(
        self,
        name: str,
        lists: Mapping[str, list[str]],
        declared: Mapping[str, Declared],
        negators: Mapping[str, set[str]],
    ) -> None:
        self.elides = "elides" in lists
        self.acts = {skill: act for skill, act in declared.items() if name in act.languages}
        self._named = {
            skill: re.compile(act.named) for skill, act in self.acts.items() if act.named
        }
        own = [
            (f"{part}:{skill}", phrases)
            for skill, act in self.acts.items()
            for part, phrases in act.languages[name].parts()
        ]
        self._own = Phrases(own, elides=self.elides)
        general = {part: words for part, words in lists.items() if isinstance(words, list)}
        words = {word for part, phrases in general.items() if part != "not" for word in phrases}
        foreign = {word for other, some in negators.items() if other != name for word in some}
        general["not"] = [*general["not"], *sorted(foreign - words)]
        self._general = Phrases(general.items(), elides=self.elides)
        self._ways = Ways(
            acts=self.acts,
            general=self._general,
            elides=self.elides,
            last_verb="last_verb" in lists,
            bare_value="bare_value" in lists,
            genitive=str(lists.get("genitive", "")),
        )

    def read(self, text: str, words: list[Word], spans: list[Range]) -> Reading:
        hits = self._own.find(words)
        for skill, named in self._named.items():
            hits[f"named:{skill}"] = [
                (at, at + 1) for at, word in enumerate(words) if named.fullmatch(word.text)
            ]
        if not any(self._has(hits, skill) for skill in self.acts):
            return Reading()
        hits.update(self._general.find(words))
        return _Reader(Marked(self._ways, text, words, spans, hits)).read()

    def says_nothing(self, words: list[Word]) -> bool:
        """Whether all of these words are such as say nothing by themselves."""
        hits = self._general.find(words)
        silent = covered(hits, "neutral", "polite", "leads", "links", "mine", "new", "is", "wants")
        silent -= covered(hits, "not")
        return all(at in silent or not word.text[0].isalnum() for at, word in enumerate(words))

    def names(self, skill: str, words: list[Word]) -> bool:
        """Whether a skill's thing is among these words."""
        named = self._named.get(skill)
        hits = self._own.find(words)
        return bool(
            hits.get(f"things:{skill}")
            or hits.get(f"lost_things:{skill}")
            or (named and any(named.fullmatch(word.text) for word in words))
        )

    def wants_something(self, words: list[Word], asking: bool) -> bool:
        """Whether these words want or ask for something, and none speaks against it."""
        hits = self._general.find(words)
        if not hits.get("asks") and (asking or not (hits.get("wants") or hits.get("polite"))):
            return False
        exempt = covered(hits, "wants", "asks", "polite")
        names = ("not", "if", "when", "doubts", "how", "said", "others", "mocks", "takes_back")
        return not any(
            not exempt.issuperset(range(a, b)) for name in names for a, b in hits.get(name, ())
        )

    def _has(self, hits: Hits, skill: str) -> bool:
        verb = any(hits.get(f"{part}:{skill}") for part in ("do", "done"))
        if hits.get(f"lost_things:{skill}"):
            return True
        thing = any(hits.get(f"{part}:{skill}") for part in ("things", "named"))
        return (verb or self.acts[skill].value) and thing


class _Reader:
    """Reads one message in one language."""

    def __init__(self, message: Marked) -> None:
        self.message = message
        self.wishing = Wishing(message)

    def read(self) -> Reading:
        m = self.message
        reading = Reading()
        denied_until = -1
        for number, clause in enumerate(m.clauses):
            sentence = m.sentence[clause[0]]
            negated = m.cue("not", clause)
            found = self.wishing.act_in(number)
            if found is not None:
                why = self._why_not(clause, found, negated or denied_until == sentence)
                if not why:
                    reading.wishes.append(found)
                elif not reading.unwished:
                    reading.unwished, reading.why = found.skill, why
            elif not reading.unwished and (spoken := self._spoken_of(clause)):
                asks = sentence in m.asking
                reading.unwished = spoken
                reading.why = "not" if negated else "asks" if asks else "unclear"
            if negated and self._passes_on(clause):
                denied_until = sentence
        return self._whole(reading)

    def _whole(self, reading: Reading) -> Reading:
        """What the message as a whole says of its wishes."""
        m = self.message
        own = frozenset[int]().union(*(wish.own for wish in reading.wishes))
        for name in ("takes_back", "mocks", "others"):
            if reading.wishes and (
                m.cue(name, own=own) or (name == "others" and m.is_somebodys(own))
            ):
                return Reading([], reading.wishes[0].skill, name)
        wished = [wish for wish in reading.wishes if not wish.loss]
        if wished:
            reading.wishes = wished  # "my card was stolen, block it"
        return reading

    def _why_not(self, clause: Range, wish: Wish, denied: bool) -> str:
        """Which list makes this no wish, or nothing."""
        m = self.message
        sentence = m.sentence_of(clause)
        told = m.ways.acts[wish.skill].trouble and any(
            m.words[at].text == ":" for at in range(clause[1] - 1, min(clause[1] + 1, sentence[1]))
        )
        names: tuple[str, ...]
        if wish.loss:
            if denied and not self.wishing.is_missing(clause):
                return "not"
            names = ("if", "doubts", "said", "ago", "how")
            if m.cue("found"):
                return "found"
            if m.sentence[clause[0]] in m.asking and clause[1] >= sentence[1] - 1:
                return "asks"
        elif denied:
            return "not"
        else:
            names = ("if", "when", "doubts", "said")
        for name in names:
            # "Report a problem: it crashes when I …" tells when it crashes.
            alone = name == "ago" or (name == "when" and told)
            if m.cue(name, clause if alone else sentence, wish.own):
                return name
        if not wish.loss and m.cue("doubts", (sentence[1], len(m.words))):
            return "doubts"
        return ""

    def _passes_on(self, clause: Range) -> bool:
        """Whether the clause's negation holds for what follows in its sentence."""
        m = self.message
        inside = set(range(*clause))
        negators = covered(m.hits, "not")
        verbs = {n for name in m.hits if name.startswith(("do:", "done:")) for n in m.all(name)}
        wants = covered(m.hits, "wants", "asks")
        known = m.general | negators | m.leads
        return bool(inside & (verbs | wants)) or inside <= known

    def _spoken_of(self, clause: Range) -> str:
        """The skill whose verb and thing are both in a clause."""
        m = self.message
        for skill in m.ways.acts:
            verbs = m.within(f"do:{skill}", clause) + m.within(f"done:{skill}", clause)
            things = m.within(f"things:{skill}", clause) + m.within(f"named:{skill}", clause)
            # One word may be both: "mail".
            if any(a[1] <= b[0] or b[1] <= a[0] for a in verbs for b in things):
                return skill
        return ""
