"""Values that are found out once, when they are first asked for.

`functools.cached_property` does the same behind a lock until Python 3.12, and taking it costs
more than most of what a judgement finds out: a tenth of deciding a REGISTER.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar


Value = TypeVar("Value")


class Once(Generic[Value]):
    """An attribute that *find* gives, and that is remembered in the instance."""

    def __init__(self, find: Callable[[Any], Value]) -> None:
        self.__doc__ = find.__doc__
        self._find = find
        self._name = find.__name__

    def __get__(self, instance: object, owner: type) -> Value:
        # Asked the first time only: what stands in an instance goes before this.
        value = instance.__dict__[self._name] = self._find(instance)
        return value
