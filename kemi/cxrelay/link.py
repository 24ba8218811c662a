"""One Diameter connection of a CSCF's stack, relayed to the HSS that it means.

Octets go through as they came, in order, at the pace of whoever reads them. Ears hear answers
before the stack does, and may answer what the HSS asks; answers to questions of our own stay
here. Either side closes both: the stack notices that its HSS is gone as it would without us.
"""

from __future__ import annotations

import asyncio
import contextlib

from typing import TYPE_CHECKING

from cxrelay.codes import CAPABILITIES_EXCHANGE
from cxrelay.diameter import HEADER, Message, length_of
from cxrelay.ears import Ears
from cxrelay.voice import Voice


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from cxrelay.ears import Ear

    Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Link:
    """One stack, one HSS."""

    def __init__(
        self, stack: Side, hss: Side, ears: Sequence[Ear], warn: Callable[[str], None]
    ) -> None:
        self._stack, self._hss = stack, hss
        self._ears = Ears(ears, warn)
        self.voice = Voice(hss[1])
        self._introduction: Message | None = None
        "How the stack has introduced itself, until that is answered."

    async def carry(self) -> None:
        """Relay until either side closes. Raise ValueError if one sends what is no Diameter."""
        try:
            await _first_of(self._from_stack(), self._from_hss())
        finally:
            self.voice.end()
            for _, writer in (self._stack, self._hss):
                writer.close()

    async def _from_stack(self) -> None:
        async for message in messages(self._stack[0]):
            if message.is_request:
                self._notice(message)
            await _pass_on(message.octets, self._hss[1])

    def _notice(self, message: Message) -> None:
        self._ears.notice(message)
        if message.command == CAPABILITIES_EXCHANGE:
            self._introduction = message

    async def _from_hss(self) -> None:
        async for message in messages(self._hss[0]):
            kept = self._asked(message) if message.is_request else self._answered(message)
            if not kept:
                await _pass_on(message.octets, self._stack[1])

    def _asked(self, message: Message) -> bool:
        avps = self._ears.replies(message)
        if avps is None:
            return False
        self.voice.reply(message, avps)
        return True

    def _answered(self, message: Message) -> bool:
        if message.command == CAPABILITIES_EXCHANGE and self._introduction is not None:
            self.voice.begin(self._introduction, message)
            self._introduction = None
        if self.voice.takes(message):
            return True
        self._ears.hear(message)
        return False


async def messages(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    """Yield whole messages until the connection ends. Raise ValueError if it carries others."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            header = await reader.readexactly(HEADER)
            yield Message(header + await reader.readexactly(length_of(header) - HEADER))


async def _pass_on(octets: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(octets)
    await writer.drain()


async def _first_of(*works: Coroutine[None, None, None]) -> None:
    """Work until one of them ends; raise what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
