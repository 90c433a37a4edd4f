"""The tool that finds the workflow for an issue."""

from __future__ import annotations

from deskward.diagnostics.models import FittingWorkflow, FittingWorkflows, Issue, Product
from deskward.diagnostics.session_facts import language_of
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.tools import tools
from deskward.gate.context import Context
from deskward.gate.tool import Risk


@tools.tool(scope="diagnostics:read", risk=Risk.READ, rest="POST /workflows/fitting")
async def find_troubleshooting_workflows(
    ctx: Context, issue_description: Issue, product_name: Product | None = None
) -> FittingWorkflows:
    """Find which workflows an issue may be for, the likeliest first, before a session is begun.

    Of several ask the customer which it is. None: it tells of no trouble that is looked for.

    Args:
        issue_description: The issue, in the customer's words.
        product_name: The product that it is of.
    """
    shelf = ctx.port(Shelf)
    found, by_words = await shelf.fitting(product_name or "", issue_description)
    spoken = shelf.texts.spoken(language_of(ctx, ""))
    return FittingWorkflows(
        fits=[
            FittingWorkflow(
                workflow_id=one.workflow, category=one.category, title=spoken(one.title)
            )
            for one in found
        ],
        by_words=by_words,
        language=spoken.language,
    )
