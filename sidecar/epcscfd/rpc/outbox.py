"""The outbox of one conversation: what is to be sent, in one order.

Posting never waits, so that it can be done at the very moment at which something is decided.
Verdicts that lie side by side when the stream is ready for more go out as one batch.
"""

from __future__ import annotations

import asyncio

from collections import deque
from typing import TYPE_CHECKING

from epcscf.control.v1 import control_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


BATCH_LIMIT = 128
"Verdicts in one frame; the edge applies a frame in one turn of its loop."

ROOM_LIMIT = 1024
"Entries that may lie here before an edge that does not read is no longer read either."


class Outbox:
    """Holds what is to be sent."""

    def __init__(self) -> None:
        self._entries: deque[pb.Verdict | pb.ToEdge] = deque()
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._closed = False

    def post(self, entry: pb.Verdict | pb.ToEdge) -> None:
        """Send *entry* after all that was posted before."""
        self._entries.append(entry)
        self._changed.set()

    def close(self) -> None:
        """End `frames` once everything posted is out."""
        self._closed = True
        self._changed.set()

    async def room(self) -> None:
        """Wait until few enough entries lie here."""
        while len(self._entries) >= ROOM_LIMIT:
            self._taken.clear()
            await self._taken.wait()

    async def frames(self) -> AsyncGenerator[pb.ToEdge]:
        """Give frame after frame, waiting for entries."""
        while self._entries or not self._closed:
            if self._entries:
                frame = self._next_frame()
                self._taken.set()
                yield frame
            else:
                self._changed.clear()
                await self._changed.wait()

    def _next_frame(self) -> pb.ToEdge:
        first = self._entries.popleft()
        if isinstance(first, pb.ToEdge):
            return first
        batch = [first]
        while self._entries and len(batch) < BATCH_LIMIT:
            following = self._entries[0]
            if not isinstance(following, pb.Verdict):
                break
            batch.append(following)
            self._entries.popleft()
        return pb.ToEdge(verdicts=pb.VerdictBatch(verdicts=batch))
