"""Several models as one: where the first cannot answer, the next does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from deskward.agent.model import Model, ModelEvent, ModelRequest, with_timeout
from deskward.core.errors import ModelUnavailable


class FallbackModel:
    """Models tried from left to right. `Finished.model` says which one spoke."""

    def __init__(self, models: Sequence[Model], timeout: float = 30.0) -> None:
        """Make one.

        Args:
            timeout: Seconds that each model may take to send its next piece.
        """
        self.chances = len(models)
        self._timeout = timeout
        self.name = ", ".join(model.name for model in models)
        self._models = tuple(models)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer with the first model that can.

        Raises:
            ModelUnavailable: No model could, or one failed after the start of its answer, of which
                the caller may have shown something already.
        """
        failures = []
        for model in self._models:
            events = with_timeout(model.stream(request), self._timeout)
            started = False
            try:
                async for event in events:
                    started = True
                    yield event
                return
            except ModelUnavailable as error:
                if started:
                    raise
                failures.append(f"{model.name}: {error.message}")
            finally:
                # A caller that stops listening also stops the model.
                if close := getattr(events, "aclose", None):
                    await close()
        raise ModelUnavailable("No configured model could answer. " + " ".join(failures))

    async def close(self) -> None:
        """Let go of the connections of those models that have any."""
        for model in self._models:
            if close := getattr(model, "close", None):
                await close()
