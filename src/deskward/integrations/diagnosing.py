"""What troubleshooting needs from outside its slice, put together: port → what stands behind it."""

from __future__ import annotations

import contextlib
from typing import Any

from deskward.core.settings import Settings
from deskward.diagnostics.collecting.making import Collecting
from deskward.diagnostics.context.sources import Sources
from deskward.diagnostics.fitting import Fitting
from deskward.diagnostics.forgetting import RunRules
from deskward.diagnostics.incidents.noticing import SeenRules
from deskward.diagnostics.incidents.sources import PURPOSE, AlertVault
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.suites.loading import Suites
from deskward.diagnostics.suites.running import MOST_RUN, Runner
from deskward.diagnostics.timers import QuietRules
from deskward.gate.ledger.heads import Signer
from deskward.gate.sealing import Sealing
from deskward.integrations.checks.looks import OutsideLooks
from deskward.integrations.checks.secrets import read_secrets
from deskward.integrations.crm.rest import read_sources
from deskward.integrations.embeddings.choose import for_sentences
from deskward.integrations.embeddings.kept import Kept
from deskward.text.vectors import Embedder


def open_diagnosing(
    settings: Settings, embedder: Embedder | None, stack: contextlib.AsyncExitStack, key: bytes
) -> dict[type, Any]:
    """The ports of troubleshooting.

    Args:
        key: The desk's secret key.

    Raises:
        ValueError: A workflow, a suite or another file of the operator's cannot be used.
    """
    rules = settings.diagnostics
    suites = Suites(rules.suites_dir)
    # A run has to end before its call does.
    seconds = min(MOST_RUN, 0.8 * settings.agent.tool_timeout)
    return {
        Suites: suites,
        Shelf: Shelf(rules.workflows_dir, suites, _fitting(settings, embedder, stack)),
        Runner: Runner(OutsideLooks(read_secrets(rules.suite_secrets_file)), seconds),
        Collecting: Collecting(
            url=rules.collector_url,
            vault=Sealing(key, "collectors"),
            signer=Signer(key),
            lasts=rules.collects_for,
        ),
        Sources: Sources(read_sources(rules.crm_file, settings.default.tenant_id)),
        AlertVault: AlertVault(Sealing(key, PURPOSE)),
        RunRules: RunRules(rules.keeps_runs_for),
        SeenRules: SeenRules(rules.incident_customers, rules.noticed_within, rules.incident_opens),
        QuietRules: QuietRules(rules.confirms_after, rules.ends_after),
    }


def _fitting(
    settings: Settings, embedder: Embedder | None, stack: contextlib.AsyncExitStack
) -> Fitting | None:
    """What knows which workflow an issue means; None where there are no vectors of sentences."""
    sentences = for_sentences(settings, embedder)
    if sentences is None:
        return None
    if sentences is not embedder:  # the examples' vectors are made once on a machine
        sentences = Kept(sentences, settings.data_dir / "vectors.db", shared=True)
        stack.callback(sentences.close)
    fitting = Fitting(sentences)
    stack.push_async_callback(fitting.aclose)
    return fitting
