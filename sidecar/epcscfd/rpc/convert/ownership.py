"""Records and standings, as operators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.admin.v1 import ownership_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.ownership import Contested, ProofBy, Proven, Unproven
from epcscfd.domain.policy import Subscription, Wwsf


if TYPE_CHECKING:
    from epcscfd.domain.ownership import Ownership
    from epcscfd.domain.records import Record, Standing

KINDS = {
    ProofBy.SUBSCRIPTION: (pb.Record.SUBSCRIPTION, Subscription),
    ProofBy.POOL: (pb.Record.POOL, Wwsf),
    ProofBy.RANGE: (pb.Record.RANGE, Wwsf),
}


def record_to_proto(record: Record) -> pb.Record:
    """Say *record*."""
    kind, holder = KINDS[record.by]
    return pb.Record(
        kind=kind,
        name=name_of(holder, str(record.holder)),
        entry=record.entry,
        wwsfs=[name_of(Wwsf, wwsf) for wwsf in record.wwsfs],
        enabled=record.by is ProofBy.RANGE and record.enabled,
    )


def standing_to_proto(standing: Standing) -> pb.Standing:
    """Say *standing*."""
    return pb.Standing(
        wwsf=name_of(Wwsf, standing.wwsf),
        ownership=_ownership_to_proto(standing.ownership),
        reason=standing.reason or "",
    )


def _ownership_to_proto(found: Ownership) -> pb.Standing.Ownership.ValueType:
    match found:
        case Proven():
            return pb.Standing.PROVEN
        case Unproven():
            return pb.Standing.UNPROVEN
        case Contested():
            return pb.Standing.CONTESTED
        case _:
            return pb.Standing.FOREIGN
