"""Several models as one: where the first cannot answer, the next does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from deskward.agent.model import Interrupted, Model, ModelEvent, ModelRequest, with_timeout
from deskward.agent.models.faults import Fleeting, NoAnswer
from deskward.core.errors import ModelUnavailable
from deskward.core.outages import Availability


class FallbackModel:
    """Models tried from left to right. `Finished.model` says which one spoke.

    One that failed is left alone for a while. The last one never is: nobody stands behind it.
    """

    def __init__(self, models: Sequence[Model], timeout: float = 30.0) -> None:
        """Make one.

        Args:
            timeout: Seconds that each model may take to send its next piece.
        """
        self.chances = len(models)
        self._timeout = timeout
        self.reads_all_tools = all(getattr(one, "reads_all_tools", False) for one in models)
        self.name = ", ".join(model.name for model in models)
        self._models = [(model, _availability(model)) for model in models]

    @property
    def outages(self) -> list[str]:
        """Which models are away in this process, why, and when each is tried again."""
        return [said for _, state in self._models if (said := state.said)]

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer with the first model that can.

        Raises:
            Interrupted: A model broke off inside its answer, of which the caller may have shown
                something already. Asked again, another one answers.
            ModelUnavailable: No model could.
        """
        failures: list[ModelUnavailable] = []
        for model, state in self._models:
            last = model is self._models[-1][0]
            if not (last or state.may_be_asked):
                continue
            started = False
            try:
                with state.call():
                    # Whoever stops listening also stops the model.
                    async with aclosing(self._asked(model, request, patient=last)) as events:
                        async for event in events:
                            started = True
                            yield event
                return
            except ModelUnavailable as error:
                if started:
                    if last or state.outage is None:
                        raise
                    raise Interrupted(model.name, error.message) from error
                failures.append(error)
        if self.chances == 1:
            raise failures[0]
        raise ModelUnavailable(
            "No configured model could answer. " + " ".join(error.message for error in failures),
            retry_after=min((e.retry_after for e in failures if e.retry_after), default=None),
        )

    async def _asked(
        self, model: Model, request: ModelRequest, *, patient: bool
    ) -> AsyncGenerator[ModelEvent, None]:
        """What a model answers. An impatient one is asked twice where that may help."""
        for again in (False, True):
            started = False
            try:
                answer = with_timeout(model.stream(request), self._timeout, model.name)
                async with aclosing(answer) as events:
                    async for event in events:
                        started = True
                        yield event
                return
            except Fleeting:
                if started or again or patient:
                    raise

    async def close(self) -> None:
        """Let go of the connections of those models that have any."""
        for model, _ in self._models:
            if close := getattr(model, "close", None):
                await close()


def _availability(model: Model) -> Availability:
    name = f"the model {model.name}"
    return Availability(name, failing=ModelUnavailable, working=NoAnswer)
