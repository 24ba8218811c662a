"""What is said to the HSS in the name of the stack: questions of our own, and replies."""

from __future__ import annotations

import asyncio
import itertools
import os

from typing import TYPE_CHECKING

from cxrelay.codes import (
    AUTH_APPLICATION_ID,
    AUTH_SESSION_STATE,
    CX,
    DESTINATION_REALM,
    ORIGIN_HOST,
    ORIGIN_REALM,
    SESSION_ID,
    SUCCESS,
    VENDOR_3GPP,
    VENDOR_ID,
    VENDOR_SPECIFIC_APPLICATION_ID,
)
from cxrelay.diameter import Avp, Message, avp, request


if TYPE_CHECKING:
    from collections.abc import Iterable

NO_STATE_MAINTAINED = 1


APPLICATION = avp(
    VENDOR_SPECIFIC_APPLICATION_ID, avp(VENDOR_ID, VENDOR_3GPP) + avp(AUTH_APPLICATION_ID, CX)
)


class Voice:
    """Speaks once the HSS has accepted the stack."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._origin: tuple[Avp, ...] = ()
        "Origin-Host and Origin-Realm of the stack."
        self._asked: dict[bytes, asyncio.Future[Message]] = {}
        # the stack counts on from a number of its own: neither can be the other's
        self._numbers = itertools.count(int.from_bytes(os.urandom(7), "big"))

    @property
    def usable(self) -> bool:
        """Tell whether capabilities have been exchanged."""
        return bool(self._origin)

    def begin(self, asked: Message, answer: Message) -> None:
        """Take the stack's name from its CER, if the CEA accepts that. Errors as of Message."""
        host, realm = asked.find(ORIGIN_HOST), asked.find(ORIGIN_REALM)
        if answer.result() == SUCCESS and host is not None and realm is not None:
            self._origin = host, realm

    def end(self) -> None:
        """Give up what is open."""
        self._origin = ()
        for waiting in self._asked.values():
            waiting.cancel()

    async def ask(
        self, command: int, realm: str, avps: Iterable[bytes], seconds: float
    ) -> tuple[Message, Message]:
        """Ask the HSS; return the question and the answer.

        Raise TimeoutError, or ConnectionError if the connection ends meanwhile.
        """
        number = next(self._numbers)
        identifiers = number.to_bytes(8, "big")
        session = b"%b;%d;%d;cxrelay" % (self._origin[0].data, *divmod(number, 1 << 32))
        own = (avp(SESSION_ID, session), *self._own(), avp(DESTINATION_REALM, realm))
        said = Message(request(command, identifiers, (*own, *avps)))
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[identifiers] = waiting
        try:
            self._writer.write(said.octets)
            await asyncio.wait([waiting], timeout=seconds)
        finally:
            self._asked.pop(identifiers, None)
        if waiting.cancelled():
            raise ConnectionError("the connection to the hss has ended")
        if not waiting.done():
            raise TimeoutError(f"the hss did not answer within {seconds:g} s")
        return said, waiting.result()

    def takes(self, answer: Message) -> bool:
        """Tell whether an answer is to a question of ours, and give it to whoever asked."""
        waiting = self._asked.pop(answer.identifiers, None)
        if waiting is None:
            return False
        if not waiting.done():
            waiting.set_result(answer)
        return True

    def reply(self, asked: Message, avps: Iterable[bytes]) -> None:
        """Answer what the HSS asks."""
        self._writer.write(asked.answer((*avps, *self._own())))

    def _own(self) -> tuple[bytes, ...]:
        state = avp(AUTH_SESSION_STATE, NO_STATE_MAINTAINED)
        return APPLICATION, state, *(avp(each.code, each.data) for each in self._origin)
