"""The ways in which a model fails that its neighbours tell apart."""

from __future__ import annotations

from deskward.core.errors import ModelUnavailable


class Fleeting(ModelUnavailable):
    """A fault that may be gone when the model is asked again at once."""


class NoAnswer(ModelUnavailable):
    """The model works, and has no usable answer to this request. It is asked the next one."""
