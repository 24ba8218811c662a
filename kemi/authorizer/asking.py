"""Questions on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.control.v1 import control_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authorizer.desk import Open
    from authorizer.questions import Question

BATCH_ITEMS = 128
BATCH_BYTES = 1 << 20


def frames(asked: Sequence[Open], now: float) -> Iterator[pb.FromEdge]:
    """Put open questions into words, as many to a frame as may be."""
    frame, items, size = pb.FromEdge(), 0, 0
    for opened in asked:
        # made in its place: what is appended or given to a constructor is copied
        _put(frame.questions.questions.add(), opened, now)
        items += 1
        size += _size(opened.question)
        if items >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield frame
            frame, items, size = pb.FromEdge(), 0, 0
    if items:
        yield frame


def _size(question: Question) -> int:
    """Bytes, at most: to count them takes as long as to encode the question."""
    return 4 * (len(question.to) + len(question.authorization) + len(question.call_id))


def _put(into: pb.Question, opened: Open, now: float) -> None:
    question = opened.question
    into.id = opened.id
    door = into.door
    door.wwsf = question.wwsf
    door.listener = question.listener
    door.client_certificate = question.certificate
    into.to = question.to
    into.authorization = question.authorization
    into.call_id = question.call_id
    into.request_domain = question.request_domain
    into.patience_ms = max(0, int((opened.give_up_at - now) * 1000))
