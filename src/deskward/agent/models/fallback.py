"""Several models as one: where the first cannot answer, the next does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from deskward.agent.model import Model, ModelEvent, ModelRequest
from deskward.core.errors import ModelUnavailable


class FallbackModel:
    """Models tried from left to right. `Finished.model` says which one spoke."""

    def __init__(self, models: Sequence[Model]) -> None:
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
            events = model.stream(request)
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
