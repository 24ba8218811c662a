"""Orders, as edges are given them and as operators see them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from epcscf.admin.v1 import edges_pb2 as admin
from epcscf.control.v1 import registrations_pb2 as pb
from epcscfd.domain.orders import Cut, Deregister, Drain, Progress


if TYPE_CHECKING:
    from epcscfd.domain.orders import Delivery, Errand, Issued


def order_to_proto(order_id: str, errand: Errand) -> pb.Order:
    """Say *errand* to an edge."""
    match errand:
        case Cut(target, value, close_code):
            # Targets are called as the fields of the contract are.
            cut = pb.Cut(close_code=close_code, **{target.value: value})
            return pb.Order(id=order_id, cut=cut)
        case Drain(seconds):
            return pb.Order(id=order_id, drain=pb.Drain(seconds=seconds))
        case Deregister():
            return pb.Order(id=order_id, deregister=pb.Deregister(**asdict(errand)))


def progress_from_proto(told: pb.Progress) -> Progress:
    """Take how far an edge has come."""
    return Progress(
        registrations=told.registrations,
        connections=told.connections,
        outstanding=told.outstanding,
        failed=told.failed,
        # Whoever has finished has cut, whether that was said or not.
        cut=told.cut or told.finished,
        finished=told.finished,
    )


def issued_to_proto(issued: Issued) -> admin.Order:
    """Show *issued*."""
    errand = issued.order.errand
    shown = admin.Order(
        name=f"orders/{issued.order.id}",
        errand=errand.target if isinstance(errand, Cut) else "drain",
        value=errand.value if isinstance(errand, Cut) else str(errand.seconds),
        deliveries=map(_delivery, issued.deliveries),
        confirmed=issued.is_confirmed,
    )
    shown.create_time.FromDatetime(issued.issued_at)
    return shown


def _delivery(delivery: Delivery) -> admin.Delivery:
    progress = delivery.progress
    return admin.Delivery(
        edge=f"edges/{delivery.boot.node}",
        state=_state(delivery),
        registrations=progress.registrations,
        connections=progress.connections,
        outstanding=progress.outstanding,
        failed=progress.failed,
    )


def _state(delivery: Delivery) -> admin.Delivery.State.ValueType:
    if delivery.progress.finished:
        return admin.Delivery.FINISHED
    if delivery.pointless:
        return admin.Delivery.RESTARTED
    return admin.Delivery.CONFIRMED if delivery.progress.cut else admin.Delivery.NOT_CONFIRMED
