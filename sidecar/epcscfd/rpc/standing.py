"""What conversations say about registrations: heard from an edge, and said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1.registrations_pb2 import OrderBatch, RollCall
from epcscfd.rpc.convert.orders import order_to_proto
from epcscfd.rpc.convert.standing import CAUSES, registration_from_proto


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from epcscf.control.v1.registrations_pb2 import Report, Roll
    from epcscfd.domain.block import BlockNews
    from epcscfd.domain.orders import Errand, Progress
    from epcscfd.domain.registration import Boot, Cause, Registration
    from epcscfd.rpc.outbox import Outbox


class Hearing(Protocol):
    """Who listens to one conversation. None of it waits."""

    def stands(self, registration: Registration) -> None:
        """Hear that *registration* stands."""
        ...

    def ended(self, id_: str, cause: Cause) -> None:
        """Hear that the registration *id_* has ended."""
        ...

    def roll_ended(self) -> None:
        """Hear that all that stands has been told."""
        ...

    def block(self, news: BlockNews) -> None:
        """Hear what became of the registration of a block."""
        ...

    def progressed(self, order_id: str, progress: Progress) -> None:
        """Hear how far the edge has come with an order."""
        ...

    def leave(self) -> None:
        """Hear that the conversation is over."""
        ...


class EdgeLine:
    """Speaks to one edge, without waiting."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def call_roll(self) -> None:
        """Ask for all that stands."""
        self._outbox.post(pb.ToEdge(roll_call=RollCall()))

    def order(self, orders: Iterable[tuple[str, Errand]]) -> None:
        """Give orders, by their ids."""
        batch = OrderBatch(orders=[order_to_proto(*each) for each in orders])
        self._outbox.post(pb.ToEdge(orders=batch))


def hear_report(
    report: Report, boot: Boot, hearing: Hearing, declined: Callable[[str, int], None]
) -> None:
    """Pass on what happened to a registration."""
    match report.WhichOneof("event"):
        case "stands":
            hearing.stands(registration_from_proto(boot, report.stands))
        case "ended":
            hearing.ended(report.ended.id, CAUSES[report.ended.cause])
        case "declined":
            declined(report.declined.decision_id, report.declined.status)
        case _:
            # Of a later contract.
            pass


def hear_roll(roll: Roll, boot: Boot, hearing: Hearing) -> None:
    """Pass on what stands."""
    for registration in roll.registrations:
        hearing.stands(registration_from_proto(boot, registration))
    if roll.complete:
        hearing.roll_ended()
