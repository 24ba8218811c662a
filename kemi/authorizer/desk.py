"""Open questions: each leaves by exactly one resume.

Equal questions share one: the first is asked, those that follow wait for its
verdict. Pure book-keeping; time is an argument.
"""

from __future__ import annotations

import heapq

from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from authorizer.questions import Question


LATE_AT_MOST = 1000
"Questions that were given up, and whose verdicts are still welcome."


@dataclass(slots=True)
class Open:
    """A question that was put to the sidecar, or is about to be."""

    id: int
    question: Question
    give_up_at: float
    "Monotonic, seconds."
    followers: list[Question] = field(default_factory=list)

    @property
    def transactions(self) -> list[str]:
        """All REGISTERs that wait for this answer."""
        return [self.question.transaction, *(q.transaction for q in self.followers)]


class Desk:
    """All open questions."""

    def __init__(self) -> None:
        self._latest = 0
        self._by_id: dict[int, Open] = {}
        self._by_key: dict[str, Open] = {}
        self._by_end: list[tuple[float, int]] = []
        "A heap of when to give up which: no question in it outlives its answer."
        self._late: dict[int, Open] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def put(self, question: Question, give_up_at: float) -> Open | None:
        """Note *question*; return what is to be asked, or None if an equal one is open."""
        same = self._by_key.get(question.key)
        if same is not None:
            same.followers.append(question)
            return None
        self._latest += 1
        opened = Open(self._latest, question, give_up_at)
        self._by_id[opened.id] = self._by_key[question.key] = opened
        heapq.heappush(self._by_end, (give_up_at, opened.id))
        return opened

    def get(self, number: int) -> Open | None:
        """Find an open question."""
        return self._by_id.get(number)

    def take(self, number: int) -> Open | None:
        """Close a question and hand it out: whoever takes it resumes it."""
        opened = self._by_id.pop(number, None)
        if opened is not None:
            del self._by_key[opened.question.key]
        return opened

    @property
    def latest(self) -> int:
        """Number of the question that was opened last."""
        return self._latest

    @property
    def oldest(self) -> int | None:
        """Number of the question that has waited longest; None if none waits."""
        return next(iter(self._by_id), None)

    def take_overdue(self, now: float) -> list[Open]:
        """Close the questions that have waited long enough; their answers may come yet."""
        overdue = []
        while self._by_end and (
            self._by_end[0][1] not in self._by_id or self._by_end[0][0] <= now
        ):
            opened = self.take(heapq.heappop(self._by_end)[1])
            if opened is not None:
                overdue.append(opened)
                self._note_late(opened)
        return overdue

    def take_late(self, number: int) -> Open | None:
        """Hand out a question that was given up, and forget it: nobody waits for it."""
        return self._late.pop(number, None)

    def forget_late(self) -> None:
        """Forget the questions that were given up: what was found about them is no longer true."""
        self._late.clear()

    def _note_late(self, opened: Open) -> None:
        while len(self._late) >= LATE_AT_MOST:
            del self._late[next(iter(self._late))]
        # as small as a verdict needs it
        question = opened.question._replace(authorization="")
        self._late[opened.id] = Open(opened.id, question, opened.give_up_at)

    def open(self) -> list[Open]:
        """All questions that wait, oldest first."""
        return list(self._by_id.values())
