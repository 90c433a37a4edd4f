"""How it is found out whether a call took effect that was cut off: by asking another tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deskward.core.conditions import WrongCondition, condition

KNOWN = frozenset({"call", "answer", "error"})
"""What the conditions can read."""


def _asking(source: str) -> str:
    if unknown := condition(source).names - {"call"}:
        raise ValueError(f"it reads {min(unknown)}; what is asked with can only read `call`")
    return source


def _judging(source: str) -> str:
    if unknown := condition(source).names - KNOWN:
        raise ValueError(f"it reads {min(unknown)}; there are {', '.join(sorted(KNOWN))}")
    return source


class Reconcile(BaseModel):
    """Which tool is asked after a call whose outcome is unknown, and what its answer means.

    The expressions are CEL. `call` has the call's `arguments`, its `effect_id` (which servers get
    as `_meta["deskward/idempotency-key"]`) and when it was `begun`; `answer` is what the
    counterpart has answered, and `error` the `code` and `message` with which it did, both empty
    otherwise.

    >>> Reconcile(
    ...     tool="get_order",
    ...     ask={"reference": "call.arguments.reference"},
    ...     done="has(answer.order)",
    ...     not_done='error.code == "ORDER_NOT_FOUND"',
    ... )
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Annotated[str, Field(min_length=1, max_length=128, description="It only reads.")]
    ask: dict[str, Annotated[str, AfterValidator(_asking)]] = Field(
        default={}, max_length=20, description="Parameter of the counterpart → an expression."
    )
    done: Annotated[str, AfterValidator(_judging)] = Field(
        description="Holds where the answer shows that the call took effect."
    )
    not_done: Annotated[str, AfterValidator(_judging)] | None = Field(
        default=None, description="Holds where it shows that it did not. None: no answer shows it."
    )
    after: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=60.0,
        description="Seconds after the call's end from which on it takes effect no more, so that "
        "it counts that it did not.",
    )

    @classmethod
    def declared(cls, **facts: Any) -> Reconcile:
        """That of a tool of ours. A test checks its conditions, whose compiler no start needs."""
        return cls.model_construct(**facts)

    def question(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with which the counterpart is asked.

        Raises:
            WrongCondition: Something that they read is not there, or cannot be reckoned with.
        """
        found = {}
        for name, source in self.ask.items():
            try:
                found[name] = condition(source).value({"call": call})
            except KeyError as error:
                raise WrongCondition(f"{source!r} reads {error}, which is not there") from None
        return found

    def verdict(self, values: Mapping[str, Any]) -> bool | None:
        """Whether an answer shows that the call took effect; None where it shows neither, or both.

        Raises:
            WrongCondition: A condition cannot be asked of it.
        """
        done = condition(self.done).holds(values)
        not_done = self.not_done is not None and condition(self.not_done).holds(values)
        return done if done != not_done else None
