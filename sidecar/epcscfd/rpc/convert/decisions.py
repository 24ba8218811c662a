"""Judgements, as operators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.admin.v1 import decisions_pb2 as pb
from epcscfd.domain.replies import REPLIES


if TYPE_CHECKING:
    from epcscfd.domain.judgement import Judgement


def decision_to_proto(judgement: Judgement) -> pb.Decision:
    """Say *judgement*."""
    decision = pb.Decision(
        decision_id=judgement.decision_id,
        ending=judgement.ending,
        wwsf=judgement.door.wwsf,
        authorization_entity=judgement.entity or "",
        impi=str(judgement.impi or ""),
        impu=judgement.to,
        call_id=judgement.call_id,
        token_id=judgement.token_id,
        revision=judgement.revision,
        checks=[
            pb.Check(name=check.name, clause=check.clause, passed=check.reason is None)
            for check in judgement.checks
        ],
    )
    decision.time.FromDatetime(judgement.time)
    if judgement.reason is not None:
        decision.reason = judgement.reason
        advice = REPLIES[judgement.reason].advice
        decision.advice = f"{advice} Found: {judgement.detail}." if judgement.detail else advice
    return decision
