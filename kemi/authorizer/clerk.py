"""What becomes of each question: asked, settled by a verdict, or given up.

Whatever happens, a question that was taken in is resumed, once. No loop and no wire
in here: who calls brings the time, and what is to be asked goes to `ask`.
"""

from __future__ import annotations

import time

from collections import deque
from typing import TYPE_CHECKING

from authorizer.desk import Desk
from authorizer.questions import MalformedRecordError, read_question
from authorizer.refusals import REFUSAL_LIFE, Refusals
from authorizer.rows import UnsafeVerdictError, accept_row, forward_row, refusal_row
from authorizer.tombstones import Tombstones


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from authorizer.cuts import Target
    from authorizer.desk import Open
    from authorizer.kamailio import Kamailio
    from authorizer.questions import Question
    from authorizer.view import View
    from epcscf.control.v1 import control_pb2 as pb

PATIENCE = 7.5
"Seconds; a little less than Kamailio's own (EPCSCF_JUDGE_TIMEOUT), which is the safety net."

POSITIVE_ROWS = {"forward": forward_row, "accept": accept_row}
"By ending of the control contract."


class Clerk:
    """The one writer of verdict rows, and the one who resumes."""

    def __init__(
        self, kamailio: Kamailio, view: View, ask: Callable[[Sequence[Open]], None]
    ) -> None:
        self.desk = Desk()
        self._kamailio = kamailio
        self._view = view
        self._ask = ask
        self._ready: deque[tuple[str, str]] = deque()
        "Transactions that are to go on, each with its row."
        self._refusals = Refusals()
        self._tombstones = Tombstones()

    def take_in(self, transaction: str, record: str | None) -> Open | None:
        """Open a question; return it if it is to be asked. A bad record is given up alone."""
        try:
            question = read_question(transaction, record or "")
        except MalformedRecordError as error:
            self._kamailio.warn(f"question.malformed why={error}")
            self._kamailio.resume(transaction, "")
            return None
        waited = max(0.0, time.time() - question.queued_at)
        return self.desk.put(question, time.monotonic() + PATIENCE - waited)

    def settle(self, batch: Sequence[pb.Verdict]) -> None:
        """Settle each question by its verdict. A bad verdict spoils only its own.

        First all are read, then all are resumed: in turns, Python and the native routes
        would throw each other out of the caches of the processor.
        """
        for verdict in batch:
            try:
                self._apply(verdict)
            except UnsafeVerdictError as error:
                self._kamailio.warn(f"verdict.unsafe why={error} decision={verdict.decision_id!r}")
                self._close(verdict.id, "")
        self._resume_ready()

    def give_up(self, now: float) -> None:
        """Resume what has waited long enough without a verdict."""
        for opened in self.desk.take_overdue(now):
            self._make_ready(opened, "")
        self._resume_ready()

    def give_up_all(self) -> None:
        """Resume all that waits, without a verdict unless it has come."""
        for opened in self.desk.open():
            self._close(opened.id, "")
        self._resume_ready()

    def cut(self, target: Target) -> None:
        """Let no verdict stand that lets *target* through, nor one that is on its way."""
        self._tombstones.put(target, self.desk.latest)
        self.desk.forget_late()
        for key, row in self._kamailio.rows("ep_verdict").items():
            if target.hits(key.split("|")[1], row.split("|")):
                self._kamailio.drop("ep_verdict", key)

    def _apply(self, verdict: pb.Verdict) -> None:
        opened = self.desk.get(verdict.id)
        if opened is None:
            self._apply_late(verdict)
            return
        ending = verdict.WhichOneof("ending")
        row = ""
        if ending in POSITIVE_ROWS:
            stamp = verdict.stamp
            if not self._view.holds(stamp.scope, stamp.value):
                # the policy changed while it was judged
                self._ask([opened])
                return
            row = POSITIVE_ROWS[ending](verdict)
            if self._tombstones and self._tombstones.hit(opened, row.split("|"), self.desk.oldest):
                self._ask_anew(opened)
                return
            self._keep("ep_verdict", opened, row, verdict.keep_seconds)
        elif ending == "refuse":
            row = refusal_row(verdict)
            if verdict.keep_seconds and self._refusals.take_room(time.monotonic()):
                self._keep("ep_refusal", opened, row, min(verdict.keep_seconds, REFUSAL_LIFE))
        self._close(verdict.id, row, share=bool(verdict.keep_seconds) or not row)

    def _apply_late(self, verdict: pb.Verdict) -> None:
        """Keep a good verdict for whoever comes next."""
        opened, ending = self.desk.take_late(verdict.id), verdict.WhichOneof("ending")
        if opened is None or ending not in POSITIVE_ROWS:
            return
        if self._view.holds(verdict.stamp.scope, verdict.stamp.value):
            self._keep("ep_verdict", opened, POSITIVE_ROWS[ending](verdict), verdict.keep_seconds)
            self._kamailio.raise_count("late_verdicts")

    def _keep(self, table: str, opened: Open, row: str, seconds: int) -> None:
        if seconds and not self._kamailio.keep(table, opened.question.key, row, seconds):
            self._kamailio.warn(f"verdict.not_kept table={table} why=no_memory")

    def _close(self, number: int, row: str, *, share: bool = True) -> None:
        opened = self.desk.take(number)
        if opened is None:
            return
        if share:
            self._make_ready(opened, row)
            return
        # a verdict for one request only: those that followed ask for themselves
        self._ready.append((opened.question.transaction, row))
        self._put_again(opened.followers, opened.give_up_at)

    def _ask_anew(self, opened: Open) -> None:
        """Ask under a new number: what is judged now has regard to what was cut off."""
        self.desk.take(opened.id)
        self._put_again([opened.question, *opened.followers], opened.give_up_at)

    def _put_again(self, questions: Sequence[Question], give_up_at: float) -> None:
        again = [self.desk.put(question, give_up_at) for question in questions]
        self._ask([asked for asked in again if asked is not None])

    def _make_ready(self, opened: Open, row: str) -> None:
        self._ready.extend((transaction, row) for transaction in opened.transactions)

    def _resume_ready(self) -> None:
        while self._ready:
            self._kamailio.resume(*self._ready.popleft())
