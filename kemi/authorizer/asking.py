"""Questions on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.control.v1 import control_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authorizer.desk import Open

BATCH_ITEMS = 128
BATCH_BYTES = 1 << 20


def batches(asked: Sequence[Open], now: float) -> Iterator[pb.QuestionBatch]:
    """Put open questions into words, as many to a frame as may be."""
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
