"""What guided troubleshooting brings to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.diagnostics import (
    collector_tools,
    context_tools,
    environment_tools,
    finding_tools,
    incident_tools,
)
from deskward.diagnostics.collecting.models import collectors
from deskward.diagnostics.context.environment import environment_facts
from deskward.diagnostics.context.health import KIND, HealthLook, check
from deskward.diagnostics.context.models import customer_products
from deskward.diagnostics.context.sources import Sources
from deskward.diagnostics.forgetting import Forgetting, RunRules
from deskward.diagnostics.incidents.models import (
    incident_alerts,
    incident_numbers,
    incident_sources,
    incidents,
)
from deskward.diagnostics.incidents.noticing import SEEN, SeenRules, noticed
from deskward.diagnostics.incidents.service import OVER, UPDATED
from deskward.diagnostics.incidents.sources import PURPOSE
from deskward.diagnostics.incidents.telling import over, updated
from deskward.diagnostics.models import diagnoses, diagnosis_numbers
from deskward.diagnostics.suites.models import test_runs, test_targets
from deskward.diagnostics.timers import QUIET, QuietRules, quiet
from deskward.gate.rotation import Sealed
from deskward.gate.sealing import sealed_anew
from deskward.gate.slice import Slice
from deskward.tickets.chats import Chats

TOOLS = collector_tools.tools
assert TOOLS is context_tools.tools is environment_tools.tools
assert incident_tools
assert finding_tools
"""They declare their tools in the same group."""

SLICE = Slice(
    tools=TOOLS,
    tables=(
        diagnoses,
        diagnosis_numbers.table,
        test_runs,
        collectors,
        test_targets,
        customer_products,
        environment_facts,
        incident_sources,
        incidents,
        incident_alerts,
        incident_numbers.table,
    ),
    jobs=lambda gate: {
        QUIET: partial(quiet, gate.database),
        KIND: lambda job: check(gate.database, gate.port(Sources), job),
        OVER: partial(over, gate.database, gate.port(QuietRules), gate.port(Chats)),
        SEEN: partial(noticed, gate.database, gate.port(SeenRules)),
        UPDATED: partial(updated, gate.database, gate.port(Chats)),
    },
    looks=lambda gate: [
        Forgetting(gate.database, gate.port(RunRules)).look,
        HealthLook(gate.database, gate.port(Sources)).look,
    ],
    sealed=(
        Sealed(incident_sources, incident_sources.c.id, sealed_anew(PURPOSE, "secret")),
        Sealed(collectors, collectors.c.id, sealed_anew("collectors", "token")),
    ),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    policies=Path(__file__).with_name("policies"),
)
