"""Examples that a person has accepted, in a file beside the database, and what they teach.

`deskward skills learn` writes the file and skills are loaded with it. It holds no conversation: a
sentence without what tells who said it, and of what was rejected only its id.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from deskward.agent.offline.model import POSSIBLE, SURE, OfflineModel
from deskward.agent.offline.skills import NONE, Skills
from deskward.text.words import words

log = logging.getLogger(__name__)

FILE = "examples.yaml"
"""Its name, in DATA_DIR."""
_HEAD = "# Written by `deskward skills learn`: what skills learn besides their own examples.\n"


class Decided(BaseModel):
    """What was decided on a tenant's proposals.

    Attributes:
        accepted: Skill → sentences that mean it.
        decided: Ids of proposals that are proposed no more.
    """

    model_config = ConfigDict(extra="forbid")

    accepted: dict[str, list[str]] = {}
    decided: list[str] = []


_FORM = TypeAdapter(dict[str, Decided])


def read(file: Path) -> dict[str, Decided]:
    """What is in the file: tenant → what was decided. A file that is not there holds nothing.

    Raises:
        ValueError: It is not of its form; says why.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return _FORM.validate_python(content or {})
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, OSError) as error:
        why = str(error).partition(", for further information")[0].splitlines()[0]
        raise ValueError(
            f"{file} is not valid: mend it, or move it away to do without ({why})"
        ) from error


@contextlib.contextmanager
def changing(file: Path) -> Iterator[dict[str, Decided]]:
    """Give what the file holds, to be changed, and write it whole; others wait meanwhile.

    Raises:
        ValueError: It is not of its form.
        OSError: It cannot be written.
    """
    with file.with_name(f"{file.name}.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        decided = read(file)
        yield decided
        plain = {name: one.model_dump() for name, one in sorted(decided.items())}
        text = _HEAD + yaml.safe_dump(plain, allow_unicode=True, width=100)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=file.name, delete=False
        ) as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        os.replace(new.name, file)


def taught(skills: Skills, file: Path) -> dict[str, Skills]:
    """Tenant → the skills with what was accepted there; the given ones stay as they are.

    Tenants for which nothing was accepted are left out. A skill that acts learns from how it is
    wished, any other from its examples.

    Raises:
        ValueError: The file is not of its form.
    """
    found = read(file)
    return {
        tenant: _with(skills, one.accepted, file)
        for tenant, one in sorted(found.items())
        if any(one.accepted.values())
    }


def _with(skills: Skills, accepted: Mapping[str, Sequence[str]], file: Path) -> Skills:
    known, wishes = dict(skills.skills), dict(skills.wishes)
    for name, sentences in sorted(accepted.items()):
        skill = known.get(name)
        if skill is None:
            log.warning("%s has examples of the skill %s, which there is not", file, name)
        elif skill.acts is not None:
            wishes[name] = [*wishes.get(name, ()), *sentences]
        else:
            known[name] = skill.model_copy(update={"examples": [*skill.examples, *sentences]})
    return skills.model_copy(update={"skills": known, "wishes": wishes})


def standing_for(skills: Skills, sentence: str) -> set[str]:
    """The skills that have a sentence among their own, capitals and marks left aside."""
    form = words(sentence)
    own: list[Mapping[str, Sequence[str]]] = [
        {name: one.examples for name, one in skills.skills.items()},
        {name: said for name, said in skills.wishes.items() if name != NONE},
    ]
    return {
        name for said in own for name, some in said.items() if any(words(x) == form for x in some)
    }


def guess(model: OfflineModel, sentence: str) -> tuple[str | None, float] | None:
    """The skill that a sentence may have meant that nobody understood, and how probably.

    Returns:
        None where it asked for a person, who came; no skill where nothing is like it.
    """
    person = model.handover.name if model.handover is not None else ""
    wished = model.wanted(sentence)
    best, score = model.best(sentence, set(model.skills))
    if wished.get(person, 0.0) >= SURE or (
        best is not None and best.name == person and score >= SURE
    ):
        return None
    rest = model.skills.keys() - {person, NONE}
    act = max((name for name in wished if name in rest), key=lambda n: wished[n], default="")
    if act and wished[act] >= POSSIBLE:
        return act, wished[act]
    best, score = model.best(sentence, set(rest))
    return (best.name, score) if best is not None else (None, 0.0)
