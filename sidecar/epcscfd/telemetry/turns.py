"""Turns: what is logged in one turn of the event loop is written in one go.

Under load a turn decides a hundred REGISTERs, and a write for each line of the log would cost a
tenth of deciding them: every one gives the other threads a chance to be in the way. The lines are
out before any verdict of the turn is, and at once where no loop runs.
"""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from typing import TextIO


class TurnStream:
    """Passes on to *stream*, at the end of each turn."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._texts: list[str] = []
        self._awaited = False

    def write(self, text: str) -> int:
        """Take *text*, whatever its length."""
        self._texts.append(text)
        return len(text)

    def flush(self) -> None:
        """Write what was taken, as soon as the turn is over."""
        if self._awaited:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._pass_on()
        else:
            self._awaited = True
            loop.call_soon(self._pass_on)

    def _pass_on(self) -> None:
        self._awaited = False
        texts, self._texts = self._texts, []
        self._stream.write("".join(texts))
        self._stream.flush()
