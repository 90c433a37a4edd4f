"""The skills, policies and roles of a desk: the operator's, or those that ship."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import Skills
from deskward.agent.offline.teaching import FILE as ACCEPTED
from deskward.agent.offline.teaching import taught
from deskward.core.settings import Settings
from deskward.features import Features, all_features, features_of
from deskward.gate.policy.engine import Policy, read
from deskward.gate.policy.truth_table import TESTS
from deskward.gate.tool import Tool
from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles
from deskward.text.vectors import Embedder


def taught_skills(settings: Settings, features: Features) -> tuple[Skills, dict[str, Skills]]:
    """The offline skills, and tenant → the same with the examples that were accepted there.

    Raises:
        ValueError: A skill is not valid, or the file of accepted examples.
    """
    skills = skills_of(settings, features)
    return skills, taught(skills, settings.data_dir / ACCEPTED)


def skills_of(settings: Settings, features: Features) -> Skills:
    """The offline skills: the operator's, or those that ship.

    Raises:
        ValueError: A skill is not valid.
    """
    shipped = shipped_skills(features)
    if settings.agent.skills_dir is None:
        return shipped
    own = Skills.load(settings.agent.skills_dir, kinds=features.kinds)
    # Whoever brings no other way still has questions looked up and customers given to a person.
    for skill, missing in ((shipped.search, not own.search), (shipped.handover, not own.handover)):
        if skill is not None and missing:
            own.skills.setdefault(skill.name, skill)
    return own


def shipped_skills(features: Features) -> Skills:
    """The offline skills that ship."""
    return features.shipped_skills


def offline_model(
    settings: Settings, features: Features, embedder: Embedder | None = None, *, chat: bool
) -> OfflineModel:
    """The offline model, made ready only where it has to be: that takes time and memory.

    What ships is known to be good. An operator's own skills are made ready at once, so that what is
    wrong with them shows at the start; and what this machine never learned is learned before
    anybody waits for it.

    Args:
        embedder: Makes vectors of sentences.
        chat: Whether messages are expected.

    Raises:
        ValueError: A skill is not valid.
    """
    skills, theirs = taught_skills(settings, features)
    of_tenants = {
        tenant: OfflineModel(some, lazy=True, embedder=embedder) for tenant, some in theirs.items()
    }
    model = OfflineModel(skills, lazy=True, embedder=embedder, of_tenants=of_tenants)
    for one in (model, *of_tenants.values()):
        if chat and (settings.agent.skills_dir is not None or not one.is_learned):
            one.learn()
    return model


def learned_model(settings: Settings) -> OfflineModel:
    """The offline model with the skills that ship, for measuring: it has learned all it can.

    Raises:
        ValueError: EMBEDDINGS is not valid.
    """
    embedder = for_sentences(settings, choose_embedder(settings))
    model = OfflineModel(shipped_skills(all_features()), lazy=True, embedder=embedder)
    model.learn(vectors=True)
    return model


def policy_files(folder: Path | None, features: Features) -> dict[str, str]:
    """The files of policies in a folder, or those that ship: name → text.

    A folder without roles has those that ship.

    Raises:
        ValueError: It holds no policies, or the roles are not of their form.
    """
    shipped = features.policy_files
    return dict(shipped) if folder is None else {ROLES: shipped[ROLES], **read(folder)}


def policy_of(settings: Settings, features: Features, tools: Iterable[Tool]) -> Policy:
    """The policies of POLICY_DIR, or those that ship.

    Raises:
        ValueError: They cannot be used; says which file is why.
    """
    folder = settings.policy.dir
    try:
        return Policy(policy_files(folder, features), tools)
    except ValueError as error:
        raise ValueError(f"POLICY_DIR={folder}: {error}" if folder else str(error)) from None


def roles_of(settings: Settings) -> Roles:
    """The roles: the operator's, or those that ship."""
    return Roles.parse(policy_files(settings.policy.dir, features_of(settings))[ROLES])


def copy_policies(folder: Path, features: Features) -> None:
    """Write the policies that ship, with their roles and truth tables, into a new folder.

    Raises:
        OSError: The folder exists, or cannot be made.
    """
    folder.mkdir(parents=True)
    for name, text in policy_files(None, features).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / TESTS).mkdir()
    for table in (file for part in features.policies for file in (part / TESTS).glob("*.yaml")):
        (folder / TESTS / table.name).write_text(table.read_text("utf-8"), encoding="utf-8")
