"""What is worked out once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
Owner = TypeVar("Owner")


class lazily(Generic[Owner, T]):  # noqa: N801 it is used as a decorator, as `property` is
    """A property that is worked out once for an object, and kept in its `__dict__`.

    As `functools.cached_property`, which up to Python 3.11 takes a lock of the whole class at the
    first look (CPython issue 87634): several are looked at once in every call.
    """

    def __init__(self, work: Callable[[Owner], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__
        self._name = work.__name__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> lazily[Owner, T]: ...

    @overload
    def __get__(self, instance: Owner, owner: type[Owner]) -> T: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        found = instance.__dict__[self._name] = self._work(instance)
        return found
