"""The ports of escalation: rules, service levels, and the queues of specialists."""

from __future__ import annotations

from functools import partial
from typing import Any

from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.escalation import agreements
from deskward.escalation.due import ServiceLevels, deadlines
from deskward.escalation.evaluating import Rules
from deskward.escalation.timers import follow_rules
from deskward.gate.autonomy import Whereabouts
from deskward.queues import kinds
from deskward.queues.service import Queues
from deskward.queues.whereabouts import whereabouts
from deskward.tickets.deadlines import Deadlines


async def open_escalating(settings: Settings, database: Database) -> dict[type, Any]:
    """The ports. Where policies are others than at the last start, all clocks are looked at anew.

    Raises:
        ValueError: A file of the operator's cannot be used.
    """
    rules = settings.escalation
    specialists = kinds.load(rules.specialists_file)
    known = sorted(specialists.specialists)
    levels = ServiceLevels(agreements.load(rules.sla_file, known))
    await follow_rules(database, levels.agreements)
    return {
        ServiceLevels: levels,
        Queues: Queues(specialists),
        Whereabouts: Whereabouts(whereabouts),
        Rules: Rules(rules.rules_file, known),
        Deadlines: Deadlines(partial(deadlines, levels)),
    }
