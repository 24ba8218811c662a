"""Events of released identities: whoever watches gets each once, in order, from a cursor on."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.errors import CursorGone


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from epcscfd.domain.release import Event

OLDEST = "oldest"
"The cursor of whoever wants all that is kept."

PAGE = 200

LOOK_AGAIN = 1.0
"Seconds; another sidecar on the same database writes events, too."


@dataclass(frozen=True, slots=True)
class Kept:
    """Which events there are."""

    stream: str
    forgotten: int
    "Number of the last one that is kept no more."
    last: int
    "Number of the last one."


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, or none, and how to go on after it."""

    event: Event | None
    cursor: str


class EventStore(Protocol):
    """Keeps events. Every method raises Unavailable if it cannot."""

    async def kept(self) -> Kept:
        """Tell which events there are."""
        ...

    async def after(self, sequence: int, wwsf: str, limit: int) -> Sequence[Event]:
        """Give at most *limit* events after *sequence*, in their order. Empty *wwsf*: of all."""
        ...

    async def forget(self, before: datetime) -> None:
        """Drop what happened *before*."""
        ...


class Bell:
    """Rings when there are new events."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.is_closed = False

    def ring(self) -> None:
        """Wake whoever waits."""
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def close(self) -> None:
        """Have nobody wait any more."""
        self.is_closed = True
        self.ring()

    async def heard(self, seconds: float) -> None:
        """Wait until it rings, but *seconds* at the most."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        await asyncio.wait({waiting}, timeout=0 if self.is_closed else seconds)
        self._waiting.discard(waiting)


class EventHub:
    """Gives events to whoever watches."""

    def __init__(self, store: EventStore, bell: Bell) -> None:
        self._store = store
        self._bell = bell

    async def watch(self, cursor: str, wwsf: str) -> AsyncGenerator[Seen]:
        """Give the events of *wwsf* (empty: of all) after *cursor*, as they happen.

        First comes where that begins. Raise CursorGone.
        """
        stream, sequence = await self._begin(cursor)
        yield Seen(None, f"{stream}.{sequence}")
        while not self._bell.is_closed:
            found = await self._store.after(sequence, wwsf, PAGE)
            for event in found:
                sequence = event.sequence
                yield Seen(event, f"{stream}.{sequence}")
            if not found:
                await self._bell.heard(LOOK_AGAIN)

    async def _begin(self, cursor: str) -> tuple[str, int]:
        kept = await self._store.kept()
        if not cursor:
            return kept.stream, kept.last
        if cursor == OLDEST:
            return kept.stream, kept.forgotten
        stream, _, number = cursor.partition(".")
        if stream != kept.stream or not (number.isascii() and number.isdigit()):
            raise CursorGone(cursor)
        # A number beyond the last is that of a database which has been restored since.
        if not kept.forgotten <= int(number) <= kept.last:
            raise CursorGone(cursor)
        return stream, int(number)
