"""The tool by which people say whether what they were told helped."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from deskward.core.written import Ours, RecordId
from deskward.customers.service import require
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk
from deskward.knowledge import outcomes
from deskward.knowledge.documents import ARTICLES
from deskward.knowledge.outcomes import UNKNOWN, Accuracy, Outcome
from deskward.knowledge.searching import readable_by
from deskward.knowledge.source_models import Theirs
from deskward.knowledge.tools import tools
from deskward.knowledge.weighing import Weighing
from deskward.security.principals import Kind

SolutionId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[\w-]+$",
        description="Id of what was told: of an article, a document, or a passage.",
        examples=["faq-transfer-time"],
    ),
]


class CustomerFeedback(BaseModel):
    """What a customer says of what they were told."""

    model_config = ConfigDict(extra="forbid")

    rating: Annotated[int, Field(ge=1, le=5)] | None = Field(
        None, description="From 1, useless, to 5."
    )
    comment: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        None, examples=["It took two days."]
    )
    product_version: Annotated[str, Field(max_length=60)] = Field(
        "", description="The version of the product that they have.", examples=["2.3"]
    )


class Counted(BaseModel):
    """How often it helped, as far as is known in one way."""

    successes: int
    failures: int
    accuracy: float | None = Field(
        description="The share of successes; older outcomes, and those about another version, "
        "count for less. Null without any."
    )
    low: float = Field(description="Where that share begins to lie, in the desk's confidence.")
    high: float = Field(description="Where it ends to.")


class SolutionAccuracy(BaseModel):
    """How often an article or a document helped."""

    solution_id: Annotated[str, RecordId("document")]
    document_id: Ours
    article_id: Theirs | None = Field(description="Of an article that is written here, its id.")
    title: Theirs
    confirmed: Counted = Field(description="What customers said, themselves or through others.")
    assumed: Counted = Field(description="What nobody confirmed.")
    ranking: float = Field(
        description="What its score is multiplied by in a search: 1 where nothing is confirmed."
    )
    message: Ours


@tools.tool(
    scope="knowledge:validate",
    risk=Risk.WRITE,
    rest="POST /knowledge/solutions/{solution_id}/outcomes",
    keeps_secrets=False,
)
async def validate_solution_accuracy(
    ctx: Context,
    solution_id: SolutionId,
    customer_feedback: CustomerFeedback,
    resolution_success: bool,
    customer_id: OwnCustomerId | None = None,
) -> SolutionAccuracy:
    """Record whether what a customer was told solved their problem, and tell how often it does.

    Said again of the same by the same customer, it takes the place of what was said before. It
    counts as confirmed where the customer says it, or somebody who names the customer; what a model
    says is assumed.

    Args:
        solution_id: What they were told: an article, a document, or a passage of one.
        customer_feedback: What they say of it.
        resolution_success: Whether it solved the problem.
        customer_id: The customer whose word it is.
    """
    db, tenant, principal = ctx.db, ctx.tenant, ctx.principal
    solution = await outcomes.solution_of(db, tenant, solution_id, readable_by(principal))
    if customer_id is not None:
        await require(db, tenant, customer_id)
    outcome = Outcome(
        voter=f"{Kind.CUSTOMER.value}:{customer_id}" if customer_id else principal.label,
        success=resolution_success,
        confirmed=customer_id is not None and not ctx.by_model,
        **customer_feedback.model_dump(),
    )
    await outcomes.record(db, tenant, solution, outcome)
    weighing = ctx.port(Weighing)
    row = solution.document
    known = (await outcomes.accuracies(db, tenant, weighing, [row.id])).get(row.id, {})
    confirmed = known.get(True, UNKNOWN)
    return SolutionAccuracy(
        solution_id=solution_id,
        document_id=row.id,
        article_id=row.path if row.source_id == ARTICLES else None,
        title=row.title,
        confirmed=counted(confirmed),
        assumed=counted(known.get(False, UNKNOWN)),
        ranking=round(weighing.factor(confirmed.interval), 4),
        message="It is recorded as confirmed."
        if outcome.confirmed
        else "It is recorded as assumed.",
    )


def counted(accuracy: Accuracy) -> Counted:
    """An accuracy as it is told."""
    return Counted(
        successes=accuracy.successes,
        failures=accuracy.failures,
        accuracy=round(accuracy.share, 4) if accuracy.share is not None else None,
        low=round(accuracy.interval.low, 4),
        high=round(accuracy.interval.high, 4),
    )
