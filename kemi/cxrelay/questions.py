"""Asks the HSS whom a subscription admits, before there is a registration to take back.

The modules send the SAR and the 200 in one go. So a REGISTER whose entity is to be checked
waits, and the SAR is sent from here: the HSS names the entities together with the profile. The
module's own SAR follows only if the entity is one of them; else the first is undone.
"""

from __future__ import annotations

import asyncio
import base64

from typing import TYPE_CHECKING

from cxrelay.admissions import Admissions
from cxrelay.codes import (
    PUBLIC_IDENTITY,
    SERVER_ASSIGNMENT,
    SERVER_ASSIGNMENT_TYPE,
    SERVER_NAME,
    SUCCESS,
    USER_DATA_ALREADY_AVAILABLE,
    USER_NAME,
    VENDOR_3GPP,
)
from cxrelay.diameter import Message, avp


if TYPE_CHECKING:
    from collections.abc import Coroutine

    from cxrelay.kamailio import Kamailio
    from cxrelay.relay import Relay

NOT_AVAILABLE = 0
ADMINISTRATIVE_DEREGISTRATION = 8

NO_ANSWER = "!no_answer"
"Said instead of a row, as is `!hss_` with a result code."


class Questions:
    """Takes what routes/scscf.cfg has queued; every question gets exactly one answer."""

    def __init__(self, kamailio: Kamailio, relay: Relay, admissions: Admissions) -> None:
        self._kamailio, self._relay, self._admissions = kamailio, relay, admissions
        self._name = kamailio.definition("SCSCF_NAME")
        self._realm = kamailio.definition("SCSCF_CX_REALM")
        self._seconds = int(kamailio.definition("SCSCF_ASK_TIMEOUT")) / 1000
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self) -> None:
        """Begin whatever has been queued."""
        for transaction, record in self._kamailio.fetch("sc_ask"):
            self._begin(self._ask(transaction, *record.split("|")))
        for _, record in self._kamailio.fetch("sc_undo"):
            self._begin(self._undo(*record.split("|")))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, transaction: str, kind: str, impi: str, impu: str) -> None:
        said = NO_ANSWER
        try:
            said = await self._row(int(kind), _decoded(impi), _decoded(impu))
        except (OSError, ValueError) as error:
            self._kamailio.warn(f"admitted.not_told impi={_decoded(impi)} why={error}")
        finally:
            self._kamailio.queue("sc_answer", transaction, said)

    async def _row(self, kind: int, impi: str, impu: str) -> str:
        asked, answer = await self._assign(kind, impi, impu)
        if answer.result() != SUCCESS:
            return f"!hss_{answer.result()}"
        self._admissions.heard(asked, answer)
        return self._admissions.row(impi)

    async def _undo(self, impi: str, impu: str) -> None:
        impi, impu = _decoded(impi), _decoded(impu)
        # a SAR that comes through here from now on goes out after ours
        if self._kamailio.row("sc_coming", f"{impi}|{impu}") is not None:
            return
        why = ""
        try:
            asked, answer = await self._assign(ADMINISTRATIVE_DEREGISTRATION, impi, impu)
            self._admissions.heard(asked, answer)
            if answer.result() != SUCCESS:
                why = f"hss_{answer.result()}"
        except (OSError, ValueError) as error:
            why = str(error)
        if why:
            self._kamailio.warn(f"registration.not_undone impi={impi} impu={impu} why={why}")

    async def _assign(self, kind: int, impi: str, impu: str) -> tuple[Message, Message]:
        avps = (
            avp(USER_NAME, impi),
            avp(PUBLIC_IDENTITY, impu, VENDOR_3GPP),
            avp(SERVER_NAME, self._name, VENDOR_3GPP),
            avp(SERVER_ASSIGNMENT_TYPE, kind, VENDOR_3GPP),
            avp(USER_DATA_ALREADY_AVAILABLE, NOT_AVAILABLE, VENDOR_3GPP),
        )
        return await self._relay.ask(SERVER_ASSIGNMENT, self._realm, avps, self._seconds)


def _decoded(text: str) -> str:
    # what is no UTF-8 the HSS does not know either
    return base64.b64decode(text).decode(errors="replace")
