"""What a message asks about, in languages of which skills that only read have no examples.

A phrase of a skill's `about` is enough, or the id of a record that a skill looks up: what is read
is changed by nobody, so that a wrong guess costs no more than an answer to something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.agent.offline.skills import Skill
from deskward.text.finding import Kind


class Topics:
    """Finds the skill that a message is about."""

    def __init__(self, skills: Mapping[str, Skill], kinds: Mapping[str, Kind]) -> None:
        """Make it.

        Args:
            skills: All skills.
            kinds: How ids are found.
        """
        self._skills = {name: skill for name, skill in skills.items() if skill.about}
        self._kinds = kinds

    @cached_property
    def _phrases(self) -> tuple[Lookup, Lookup]:
        """Those of all languages but English, and the English ones."""
        others, english = (
            Lookup(
                (name, phrases)
                for name, skill in self._skills.items()
                for language, phrases in skill.about.items()
                if (language == "en") is english
            )
            for english in (False, True)
        )
        return others, english

    def of(self, text: str, language: str) -> Skill | None:
        """The skill that a message is about; in English examples tell most of them.

        A record that is named counts before phrases, and of these the longest.
        """
        skills, english = self._skills.values(), language == "en"
        named = next((one for one in skills if not english and self._names(one, text)), None)
        if named is not None:
            return named
        found = self._phrases[english].find(tokens_of(plain(text)))
        longest = {name: max(hit.length for hit in hits) for name, hits in found.items()}
        best = max(longest, key=lambda name: longest[name], default=None)
        return None if best is None else self._skills[best]

    def _names(self, skill: Skill, text: str) -> bool:
        """Whether a message names the record that a skill looks up."""
        return any(
            self._kinds[slot.kind].is_id and self._kinds[slot.kind].find(text, False) is not None
            for slot in skill.slots.values()
        )
