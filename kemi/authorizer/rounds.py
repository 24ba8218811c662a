"""Something that is done again and again, by a timer of the loop and not by a task.

A task that sleeps takes two turns of the loop each time: one for its timer and one to go on.
Most turns are of this kind, and a turn costs as much as a question.
"""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


class Round:
    """Acts, pauses for as many seconds as it was told by that, and acts again."""

    def __init__(self, act: Callable[[], float]) -> None:
        self._act = act

    async def keep(self) -> None:
        """Go on for ever; raise what acting raises."""
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._next = self._loop.call_soon(self._go_on)
        try:
            await self._broken
        finally:
            self._next.cancel()

    def _go_on(self) -> None:
        try:
            pause = self._act()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self._broken.set_exception(error)
            return
        self._next = self._loop.call_later(pause, self._go_on)
