"""Policy: Cedar decides whether a call runs, waits for somebody, or is refused.

The same policies are asked several questions, until one is answered with yes. May this run as it
is (`context.unattended` true, `context.confirmed` false)? That is *allow*. Once the customer has
said yes to exactly this call (`confirmed` true)? That is *confirm*. Once another person has
approved it (`unattended` false)? That is *ask*. Once both have? The customer comes first:
*confirm*. No to all is *deny*. Of a call that the customer has confirmed, only the questions with
`confirmed` are asked.

Cedar (https://docs.cedarpolicy.com) skips a policy whose evaluation fails. Here a failure is
*deny*, whatever the other policies said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cedarpy
from pydantic_core import to_json

from deskward.gate.autonomy import USUAL
from deskward.gate.counters import nothing
from deskward.gate.policy.memo import Memo, Reads, reads_of
from deskward.gate.tool import Tool
from deskward.security.principals import Kind, Principal
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles, merged

GENERAL = Path(__file__).parents[2] / "policies"
"""What holds whatever the slices are."""


class Verdict(StrEnum):
    """What policy says of a call."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    ASK = "ask"
    DENY = "deny"


_QUESTIONS = (
    (Verdict.ALLOW, True, False),
    (Verdict.CONFIRM, True, True),
    (Verdict.ASK, False, False),
    (Verdict.CONFIRM, False, True),
)
"""The verdict that a yes means, and the question: unattended? confirmed?"""
_UNSAID = {"unsure": False, "today": nothing(), "autonomy": USUAL}
"""What counts of facts that say nothing of it, as those from before it was one."""
_WHEN_CONFIRMED = ((Verdict.ALLOW, True, True), (Verdict.ASK, False, True))


@dataclass(frozen=True)
class Decision:
    """A verdict and the `@id`s of the policies that made it (none: nothing permitted the call)."""

    verdict: Verdict
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Relevant(NamedTuple):
    """The policies that can have a say in a tool's calls by somebody with certain roles."""

    policies: cedarpy.PolicySet
    reads: Reads


class Policy:
    """A set of Cedar policies over a set of tools, and the roles that go with them.

    Entities: the principal (`Customer`, `Staff` or `Service`, with `id`, `tenant`, `tier`, `proof`
    and, where there is one, `agent` and `via`) is in its `Role`s and all that they extend; the
    action, named after the tool, is in its scope and in its risk (`Action::"accounts:write"`,
    `Action::"risk:write"`); the resource is the `Tenant`. The context has `unattended`,
    `confirmed` and the call's facts (see `facts_of`).
    """

    def __init__(
        self, files: Mapping[str, str], tools: Iterable[Tool], *, roles: str | None = None
    ) -> None:
        """Parse the policies.

        Args:
            files: File name → text: `*.cedar`, and `roles.yaml`.
            roles: The text of the roles that count where the files have none, as those do not that
                were published before there were roles.

        Raises:
            ValueError: A text is not Cedar, or a policy has no `@id`, or two have the same, or the
                roles are missing or not of their form.
        """
        roles = files.get(ROLES, roles)
        if roles is None:
            raise ValueError(f"the policies have no {ROLES}")
        self.files = dict(files)
        self.roles = Roles.parse(roles)
        self.text = "\n".join(text for name, text in sorted(files.items()) if name != ROLES)
        whole = json.dumps(sorted(files.items()))
        self.version = hashlib.sha256(whole.encode()).hexdigest()[:12]
        for name in sorted(files.keys() - {ROLES}):
            _require_named(name, files[name])
        self._document = _in_json(self.text)
        self.policies = _by_id(self._document)
        """`@id` → the policy in Cedar's JSON form."""
        self._written: dict[str, str] = {}
        self._sets: dict[tuple[str, Kind, tuple[str, ...]], Relevant] = {}
        self._memo: Memo[Decision] = Memo()
        self._principals: dict[Principal, cedarpy.Entities] = {}
        self.know(tools)

    def written(self, name: str) -> str:
        """The policy of that `@id` as Cedar's own formatter writes it."""
        if name not in self._written:  # it takes milliseconds, and lists of approvals show many
            document = {**self._document, "staticPolicies": {name: self.policies[name]}}
            text = cedarpy.policies_from_json_str(json.dumps(document))
            self._written[name] = str(cedarpy.format_policies(text)).strip()
        return self._written[name]

    def know(self, tools: Iterable[Tool]) -> None:
        """Judge calls of these tools from now on."""
        self._parents = {t.name: (t.scope, f"risk:{t.risk.value}") for t in tools}
        self._entities = _entities(json.dumps(_actions(self._parents)))
        self._sets.clear()
        self._principals.clear()
        self._memo.clear()

    def may_use(self, tool: Tool, principal: Principal) -> bool:
        """Whether the principal's roles allow the tool at all; policies decide on each call."""
        return tool.tenant in (None, principal.tenant) and self.roles.may(principal, tool.scope)

    def judge(self, tool: Tool, principal: Principal, facts: Mapping[str, Any]) -> Decision:
        """Decide on one call. Takes well under a millisecond and raises nothing."""
        return self.judge_named(tool.name, principal, facts)

    def judge_named(self, tool: str, principal: Principal, facts: Mapping[str, Any]) -> Decision:
        """Decide on one call of the tool of that name, for example one that is on record."""
        if tool not in self._parents:
            return self.judge_afresh(tool, principal, facts)
        key = self._relevant(tool, principal).reads.key(tool, principal, facts)
        decision = self._memo.get(key) if key is not None else None
        if decision is None:
            decision = self.judge_afresh(tool, principal, facts)
            # What Cedar says of an error may name more than what was read.
            if key is not None and not decision.errors:
                self._memo.put(key, decision)
        return decision

    def judge_afresh(self, tool: str, principal: Principal, facts: Mapping[str, Any]) -> Decision:
        """Decide on one call as `judge_named` does, whatever was decided before."""
        known = {**_UNSAID, **_cedar(facts)}
        first: Decision | None = None
        said = Decision(Verdict.DENY)
        for verdict, unattended, confirmed in self._questions(tool, principal, facts):
            asked = {**known, "unattended": unattended, "confirmed": confirmed}
            said = self._ask(tool, principal, asked)
            if said.errors:
                return said
            if said.verdict is Verdict.ALLOW:
                why = first.policies if first is not None else ()
                return Decision(verdict, why or said.policies)
            first = first or said
        return said

    def _questions(
        self, tool: str, principal: Principal, facts: Mapping[str, Any]
    ) -> Iterable[tuple[Verdict, bool, bool]]:
        if facts.get("confirmed"):
            return _WHEN_CONFIRMED
        if tool in self._parents and not self._relevant(tool, principal).reads.sees("confirmed"):
            return [question for question in _QUESTIONS if not question[2]]
        return _QUESTIONS

    def _ask(self, tool: str, principal: Principal, facts: dict[str, Any]) -> Decision:
        try:
            request = {
                "principal": _uid(principal.kind.value.capitalize(), principal.id),
                "action": _uid("Action", tool),
                "resource": _uid("Tenant", principal.tenant),
                "context": to_json(facts).decode(),
            }
            result = cedarpy.is_authorized(
                request, self._relevant(tool, principal).policies, self._entities_of(principal)
            )
        except Exception as error:  # Cedar raises many kinds; whatever it was, the answer is no
            return Decision(Verdict.DENY, (), (str(error),))
        policies = tuple(sorted(result.diagnostics.id_annotations_by_reason.values()))
        if errors := tuple(str(error) for error in result.diagnostics.errors):
            return Decision(Verdict.DENY, policies, errors)
        return Decision(Verdict.ALLOW if result.allowed else Verdict.DENY, policies)

    def _relevant(self, tool: str, principal: Principal) -> Relevant:
        """The policies whose scope can match: the call is judged by these alone.

        Cedar tests every policy of a set on each request; most are about other callers and actions.
        """
        key = (tool, principal.kind, principal.roles)
        found = self._sets.get(key)
        if found is None:
            actions = {tool, *self._parents[tool]}
            roles = set(self.roles.with_extended(principal.roles))
            policies = {
                name: policy
                for name, policy in self._document["staticPolicies"].items()
                if _can_match(policy["action"], actions)
                and _can_be(policy["principal"], principal.kind, roles)
            }
            document = {**self._document, "staticPolicies": policies}
            found = _understood(json.dumps(document))
            self._sets[key] = found
        return found

    def _entities_of(self, principal: Principal) -> cedarpy.Entities:
        found = self._principals.get(principal)
        if found is None:
            attributes: dict[str, Any] = {
                "id": principal.id,
                "tenant": principal.tenant,
                "tier": self.roles.tier(principal.roles),
                "proof": int(principal.proof),
            }
            if principal.agent:
                attributes["agent"] = principal.agent
            if principal.via:
                attributes["via"] = principal.via
            entity = {
                "uid": _uid(principal.kind.value.capitalize(), principal.id),
                "attrs": attributes,
                "parents": [
                    _uid("Role", role)
                    for role in {*principal.roles, *self.roles.with_extended(principal.roles)}
                ],
            }
            found = self._entities.with_added_json_str(json.dumps([entity]))
            if len(self._principals) >= 10_000:
                self._principals.clear()
            self._principals[principal] = found
        return found


def _uid(kind: str, key: str) -> dict[str, str]:
    return {"type": kind, "id": key}


def _actions(parents: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    groups = sorted({group for names in parents.values() for group in names})
    return [{"uid": _uid("Action", group), "attrs": {}, "parents": []} for group in groups] + [
        {
            "uid": _uid("Action", name),
            "attrs": {},
            "parents": [_uid("Action", group) for group in names],
        }
        for name, names in parents.items()
    ]


def read(*folders: Path) -> dict[str, str]:
    """The files of folders of policies: name → text; the roles of all of them in one file.

    Raises:
        ValueError: There is no policy in a folder, or two have a file of the same name, or one is
            not UTF-8, or their roles do not fit together.
    """
    found: dict[str, str] = {}
    roles: list[str] = []
    for folder in folders:
        files = sorted(folder.glob("*.cedar"))
        if not files:
            raise ValueError(f"the policy folder {folder} holds no *.cedar file")
        for file in files:
            if file.name in found:
                raise ValueError(f"two policy folders hold a file {file.name}")
            found[file.name] = _read(file)
        if (folder / ROLES).exists():
            roles.append(_read(folder / ROLES))
    return {**found, ROLES: merged(roles)} if roles else found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name} is not UTF-8: {error}") from None


@lru_cache(maxsize=4)
def _entities(document: str) -> cedarpy.Entities:
    """Entities of their JSON form; no method changes them."""
    return cedarpy.Entities.from_json_str(document)


@lru_cache(maxsize=1024)
def _understood(document: str) -> Relevant:
    """What policies in Cedar's JSON form say; many tools and roles have the same in common."""
    text = cedarpy.policies_from_json_str(document)
    policies = json.loads(document)["staticPolicies"]
    return Relevant(cedarpy.PolicySet.from_str(text), reads_of(policies.values()))


@lru_cache(maxsize=128)
def _in_json(text: str) -> Mapping[str, Any]:
    """Policies in Cedar's JSON form, of which nothing is to be changed.

    Raises:
        ValueError: The text is not Cedar.
    """
    document: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
    return document


def _require_named(name: str, text: str) -> None:
    """See that a file's policies are Cedar and named.

    Raises:
        ValueError: One is not; says in which file.
    """
    try:
        _by_id(_in_json(text))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _by_id(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The policies of a Cedar JSON document by their `@id`."""
    found: dict[str, dict[str, Any]] = {}
    for key, policy in document["staticPolicies"].items():
        name = policy.get("annotations", {}).get("id")
        if not name:
            raise ValueError(f'{key} has no @id("…"): every policy must be named')
        if name in found:
            raise ValueError(f"two policies have the @id {name!r}")
        found[name] = policy
    return found


def _can_match(scope: Mapping[str, Any], names: set[str]) -> bool:
    if scope["op"] == "All":
        return True
    entities = scope["entities"] if "entities" in scope else [scope["entity"]]
    return any(entity["id"] in names for entity in entities)


def _can_be(scope: Mapping[str, Any], kind: Kind, roles: set[str]) -> bool:
    """Whether a policy's principal can be this one; where that is not sure, yes."""
    if scope["op"] == "is" and scope["entity_type"] != kind.value.capitalize():
        return False
    group = scope.get("in", scope).get("entity") if scope["op"] in ("in", "is") else None
    return group is None or group["type"] != "Role" or group["id"] in roles


def _cedar(value: Any) -> Any:
    """The value as Cedar can hold it: no null, and decimals for fractions."""
    if isinstance(value, Mapping):
        return {key: _cedar(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_cedar(item) for item in value if item is not None]
    if isinstance(value, float):
        return {"__extn": {"fn": "decimal", "arg": f"{value:.4f}"}}
    return value
