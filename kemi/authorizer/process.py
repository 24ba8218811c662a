"""The process: gathers what is queued, asks, and hears the answers.

The loop never resolves a name, touches a disk or waits for anything but its stream
and the queue.
"""

from __future__ import annotations

import asyncio
import time
import uuid

from typing import TYPE_CHECKING, Any

from authorizer.clerk import Clerk
from authorizer.conversation import CONTRACT, Conversation
from authorizer.kamailio import Kamailio
from authorizer.view import View
from epcscf.control.v1 import control_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authorizer.desk import Open

BATCH_ITEMS = 128
BATCH_BYTES = 1 << 20
OPEN_AT_MOST = 4000
"As many as the queue holds; beyond, records stay there and the workers see it filling."
BEAT_EVERY = 0.25
BUSY_PAUSE, IDLE_PAUSE = 0.001, 0.003
BACKLOG = 16
GATHER_PAUSE = 0.008
"""While more than BACKLOG questions are open, nobody gains by being asked about at once: what
gathers in a few milliseconds goes into one frame, at a fraction of the cost of many."""
IDLE_AFTER = 1000
"Empty looks in a row, about a second; then looking more seldom saves most of the idle CPU."


class Process:
    """The tasks of the loop."""

    def __init__(self, kamailio: Kamailio, target: str, node: str) -> None:
        hello = pb.Hello(node=node, boot_id=uuid.uuid4().hex, contract=CONTRACT)
        self._kamailio = kamailio
        self._view = View(kamailio)
        self._clerk = Clerk(kamailio, self._view, self._ask)
        self._conversation = Conversation(target, hello, self)

    async def work(self) -> None:
        """Do everything, for ever; give up what is open if it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._conversation.keep())
                tasks.create_task(self._gather())
                tasks.create_task(self._beat())
        finally:
            self._clerk.give_up_all()

    async def _gather(self) -> None:
        looks = 0
        while True:
            taken, asked = self._fetch()
            self._ask(asked)
            looks = 0 if taken else looks + 1
            full = taken >= BATCH_ITEMS
            await asyncio.sleep(0 if full else self._pause(looks))

    def _pause(self, looks: int) -> float:
        if len(self._clerk.desk) > BACKLOG:
            return GATHER_PAUSE
        return IDLE_PAUSE if looks > IDLE_AFTER else BUSY_PAUSE

    def _fetch(self) -> tuple[int, list[Open]]:
        taken = 0
        asked: list[Open] = []
        if len(self._clerk.desk) >= OPEN_AT_MOST:
            return taken, asked
        for transaction, record in self._kamailio.fetch():
            opened = self._clerk.take_in(transaction, record)
            if opened is not None:
                asked.append(opened)
            taken += 1
            if taken >= BATCH_ITEMS:
                break
        return taken, asked

    async def _beat(self) -> None:
        while True:
            if self._conversation.answering:
                self._kamailio.show_up()
            self._clerk.give_up(time.monotonic())
            await asyncio.sleep(BEAT_EVERY)

    def _ask(self, asked: Sequence[Open]) -> None:
        for batch in _batches(asked):
            self._conversation.say(pb.FromEdge(questions=batch))

    def connected(self) -> None:
        """Ask again what was open when the stream broke."""
        opened = self._clerk.desk.open()
        self._kamailio.note(f"sidecar.connected open={len(opened)}")
        self._ask(opened)

    def lost(self, why: str) -> None:
        """Note it; open questions wait for the next stream, or for their end."""
        self._kamailio.warn(f"sidecar.lost why={why} open={len(self._clerk.desk)}")

    def policy(self, view: pb.PolicyView) -> None:
        """Put the policy into force."""
        self._view.replace(view)

    def verdicts(self, batch: Sequence[pb.Verdict]) -> None:
        """Settle what was judged."""
        self._clerk.settle(batch)


def _batches(asked: Sequence[Open]) -> Iterator[pb.QuestionBatch]:
    now = time.monotonic()
    batch, size = pb.QuestionBatch(), 0
    for opened in asked:
        # made in its place: one that is appended is copied
        added = batch.questions.add()
        _put(added, opened, now)
        size += added.ByteSize()
        if len(batch.questions) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield batch
            batch, size = pb.QuestionBatch(), 0
    if batch.questions:
        yield batch


def _put(into: pb.Question, opened: Open, now: float) -> None:
    question = opened.question
    into.id = opened.id
    into.door.wwsf = question.wwsf
    into.door.listener = question.listener
    into.door.client_certificate = question.certificate
    into.to = question.to
    into.authorization = question.authorization
    into.call_id = question.call_id
    into.request_domain = question.request_domain
    into.patience_ms = max(0, int((opened.give_up_at - now) * 1000))


def run(ksr: Any, target: str, node: str) -> None:
    """Work until something breaks. The loop is made by hand: asyncio.run() would take signals."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(Process(Kamailio(ksr), target, node).work())
    finally:
        loop.close()
