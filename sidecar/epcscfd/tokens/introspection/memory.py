"""Memory of answers: by endpoint and digest of the token, bounded, never the token itself."""

from __future__ import annotations

import hashlib

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from epcscfd.domain.policy import AuthorizationEntity
from epcscfd.domain.token import AccessToken, Assertion


MOST_ANSWERS = 50_000
"About 60 MB; the browsers of one node, twice."


@dataclass(frozen=True, slots=True)
class Question:
    """What answers are kept by."""

    url: str
    epoch: int
    "Of the entity: what it is read by may have changed with it."
    token: bytes
    "SHA-256 of the token."


def question_about(token: str, entity: AuthorizationEntity) -> Question:
    """Make the key of what *entity* answers about *token*."""
    url = entity.introspection.url if entity.introspection else ""
    return Question(url, entity.epoch, hashlib.sha256(token.encode()).digest())


class AnswerMemory:
    """Answers, each until its time is over. Time is an argument."""

    def __init__(self, size: int = MOST_ANSWERS) -> None:
        self._size = size
        self._answers: OrderedDict[Question, tuple[float, Assertion]] = OrderedDict()

    def find(self, question: Question, now: float) -> Assertion | None:
        """Give the answer, if it still holds."""
        until, assertion = self._answers.get(question, (0.0, None))
        if assertion is None or now < until:
            return assertion
        del self._answers[question]
        return None

    def keep(self, question: Question, assertion: Assertion, now: float, life: timedelta) -> None:
        """Keep an answer for *life*; the one kept for longest gives way if there is no room."""
        self._answers[question] = (now + life.total_seconds(), assertion)
        self._answers.move_to_end(question)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)

    def forget(self, concerned: Callable[[AccessToken], bool]) -> int:
        """Forget the answers about good tokens that are *concerned*; tell how many."""
        doomed = [
            question
            for question, (_, assertion) in self._answers.items()
            if isinstance(assertion, AccessToken) and concerned(assertion)
        ]
        for question in doomed:
            del self._answers[question]
        return len(doomed)
