"""What is heard on a connection: answers together with their requests, and what the HSS asks."""

from __future__ import annotations

import contextlib

from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cxrelay.diameter import Message

OPEN_AT_MOST = 10_000
"Requests whose answers are listened for; the HSS has forgotten those that are older."


class Ear(Protocol):
    """Who listens."""

    commands: frozenset[int]
    "Of requests whose answers are of interest."

    def heard(self, asked: Message, answer: Message) -> None:
        """Take note of an answer; raise ValueError if it makes no sense."""

    def replies(self, asked: Message) -> list[bytes] | None:
        """Return the AVPs that answer what the HSS asks; None leaves it to the stack."""


class Ears:
    """All that listen on one connection."""

    def __init__(self, ears: Sequence[Ear], warn: Callable[[str], None]) -> None:
        self._ears, self._warn = ears, warn
        self._wanted = frozenset[int]().union(*(ear.commands for ear in ears))
        self._open: dict[bytes, Message] = {}

    def notice(self, asked: Message) -> None:
        """Remember what the stack asks, if its answer is of interest."""
        if asked.command not in self._wanted:
            return
        self._open[asked.identifiers] = asked
        if len(self._open) > OPEN_AT_MOST:
            del self._open[next(iter(self._open))]

    def hear(self, answer: Message) -> None:
        """Let those hear an answer who care, before the stack does."""
        asked = self._open.pop(answer.identifiers, None)
        if asked is None:
            return
        for ear in self._ears:
            if asked.command in ear.commands:
                with self._noted():
                    ear.heard(asked, answer)

    def replies(self, asked: Message) -> list[bytes] | None:
        """Return what one of them answers to the HSS."""
        for ear in self._ears:
            with self._noted():
                if (avps := ear.replies(asked)) is not None:
                    return avps
        return None

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Pass over what cannot be read: nothing is learnt from it, and the stack gets it."""
        try:
            yield
        except ValueError as error:
            self._warn(f"cx.unreadable why={error}")
