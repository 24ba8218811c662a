"""The process: gathers what is queued, asks, and hears the answers.

The loop never resolves a name, touches a disk or waits for anything but its stream
and the queue.
"""

from __future__ import annotations

import asyncio
import time

from typing import TYPE_CHECKING, Any

from authorizer.asking import BATCH_ITEMS, frames
from authorizer.blocks import Blocks
from authorizer.clerk import Clerk
from authorizer.conversation import CONTRACT, Conversation
from authorizer.kamailio import Kamailio
from authorizer.orders import Orders
from authorizer.reports import Reports
from authorizer.roster import Roster
from authorizer.rounds import Round
from authorizer.view import View
from epcscf.control.v1 import control_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import Sequence

    from authorizer.desk import Open
    from epcscf.control.v1 import registrations_pb2 as registrations

OPEN_AT_MOST = 4000
"As many as the queue holds; beyond, records stay there and the workers see it filling."
BEAT_EVERY = 0.25
BUSY_PAUSE, IDLE_PAUSE = 0.001, 0.003
BACKLOG = 16
GATHER_PAUSE = 0.008
"""While more than BACKLOG questions are open, nobody gains by being asked about at once: what
gathers in a few milliseconds goes into one frame, at a fraction of the cost of many."""
ATTEND_PAUSE = 0.02
"Between looks for what there is to report; reports that wait so long go in one frame."
SLICES_UNTOLD = 64
"Of orders, before there is a look at what is to be reported: some 2000 registrations."
IDLE_AFTER = 1000
"Empty looks in a row, about a second; then looking more seldom saves most of the idle CPU."


class Process:
    """The tasks of the loop."""

    def __init__(self, kamailio: Kamailio, target: str, node: str) -> None:
        hello = pb.Hello(node=node, boot_id=kamailio.boot(), contract=CONTRACT)
        self._kamailio = kamailio
        self._view = View(kamailio)
        self._clerk = Clerk(kamailio, self._view, self._ask)
        self._conversation = Conversation(target, hello, self)
        self._reports = Reports(kamailio, Roster(kamailio), self._conversation.say)
        self._orders = Orders(kamailio, self._clerk, self._conversation.say)
        self._reports.others.update(self._orders.outcomes)
        self._blocks = Blocks(kamailio, self._conversation.say)
        self._blocks.listen(self._reports.others)
        self._slices = 0
        "Of orders, in a row."
        self._looks = 0
        "Into the queue, in a row, that found nothing."

    async def work(self) -> None:
        """Do everything, for ever; give up what is open if it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._conversation.keep())
                for act in (self._gather, self._beat, self._attend):
                    tasks.create_task(Round(act).keep())
        finally:
            self._clerk.give_up_all()

    def _gather(self) -> float:
        taken, asked = self._fetch()
        self._ask(asked)
        self._looks = 0 if taken else self._looks + 1
        if taken >= BATCH_ITEMS:
            return 0
        if len(self._clerk.desk) > BACKLOG:
            return GATHER_PAUSE
        return IDLE_PAUSE if self._looks > IDLE_AFTER else BUSY_PAUSE

    def _fetch(self) -> tuple[int, list[Open]]:
        taken = 0
        asked: list[Open] = []
        if len(self._clerk.desk) >= OPEN_AT_MOST:
            return taken, asked
        for transaction, record in self._kamailio.fetch("ep_ask"):
            opened = self._clerk.take_in(transaction, record)
            if opened is not None:
                asked.append(opened)
            taken += 1
            if taken >= BATCH_ITEMS:
                break
        return taken, asked

    def _beat(self) -> float:
        if self._conversation.answering:
            self._kamailio.show_up()
        self._clerk.give_up(time.monotonic())
        return BEAT_EVERY

    def _attend(self) -> float:
        """Carry out orders and report, in slices between which others have their turn."""
        # who is to go, within a second, is gone before it is told, which takes as long
        busy = self._orders.work()
        self._slices = self._slices + 1 if busy else 0
        if self._slices % SLICES_UNTOLD == 0:
            busy |= self._reports.work()
        return 0 if busy else ATTEND_PAUSE

    def _ask(self, asked: Sequence[Open]) -> None:
        for frame in frames(asked, time.monotonic()):
            self._conversation.say(frame)

    def connected(self) -> None:
        """Ask again what was open when the stream broke."""
        opened = self._clerk.desk.open()
        self._kamailio.note(f"sidecar.connected open={len(opened)}")
        self._reports.open = True
        self._reports.call_roll()
        self._blocks.connected()
        self._ask(opened)

    def lost(self, why: str) -> None:
        """Note it; open questions wait for the next stream, or for their end."""
        self._kamailio.warn(f"sidecar.lost why={why} open={len(self._clerk.desk)}")
        self._reports.open = False

    def policy(self, view: pb.PolicyView) -> None:
        """Put the policy into force."""
        # first how long blocks are registered, then that they are
        self._blocks.replace(view.blocks)
        self._view.replace(view)

    def verdicts(self, batch: Sequence[pb.Verdict]) -> None:
        """Settle what was judged."""
        self._clerk.settle(batch)

    def orders(self, batch: Sequence[registrations.Order]) -> None:
        """Begin what is ordered."""
        self._orders.hear(batch)

    def roll_call(self) -> None:
        """Tell all that stands once more."""
        self._reports.call_roll()


def run(ksr: Any, target: str, node: str) -> None:
    """Work until something breaks. The loop is made by hand: asyncio.run() would take signals."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(Process(Kamailio(ksr), target, node).work())
    finally:
        loop.close()
