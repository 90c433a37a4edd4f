"""What guided troubleshooting brings to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.diagnostics import context_tools, environment_tools, suite_tools
from deskward.diagnostics.context.environment import environment_facts
from deskward.diagnostics.context.models import customer_products
from deskward.diagnostics.models import diagnoses, diagnosis_numbers
from deskward.diagnostics.suites.models import test_runs, test_targets
from deskward.diagnostics.timers import QUIET, quiet
from deskward.gate.slice import Slice

TOOLS = suite_tools.tools
assert TOOLS is context_tools.tools is environment_tools.tools

SLICE = Slice(
    tools=TOOLS,
    tables=(
        diagnoses,
        diagnosis_numbers.table,
        test_runs,
        test_targets,
        customer_products,
        environment_facts,
    ),
    jobs=lambda gate: {QUIET: partial(quiet, gate.database)},
    claims=Path(__file__).with_name("claims.yaml"),
    policies=Path(__file__).with_name("policies"),
)
