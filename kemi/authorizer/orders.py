"""What the sidecar orders, carried out a slice at a time, so that nobody else waits long.

A cut is in force when `hear` returns: what it hits is written where the native routes look
for it (routes/orders.cfg), its verdicts are gone, and those that are on their way are judged
anew. What stands is ended after that; nothing new can stand meanwhile.
"""

from __future__ import annotations

import time

from typing import TYPE_CHECKING

from authorizer.cuts import Target
from authorizer.drain import Drain
from authorizer.progress import Running
from authorizer.rows import coded, errand
from authorizer.standing import WWSF


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from authorizer.clerk import Clerk
    from authorizer.kamailio import Kamailio
    from epcscf.control.v1 import control_pb2 as pb
    from epcscf.control.v1 import registrations_pb2 as registrations

SLICE = 32
"Connections; closing one takes some 150 us."
POLICY_VIOLATION = 1008


class Orders:
    """Carries out orders, in their order."""

    def __init__(
        self, kamailio: Kamailio, clerk: Clerk, say: Callable[[pb.FromEdge], None]
    ) -> None:
        self._kamailio = kamailio
        self._clerk = clerk
        self._say = say
        self._running: dict[str, Running] = {}
        self._drain = Drain(kamailio)
        self.outcomes = {"answered": self._answered, "refused": self._refused}
        "Who hears what the core answered, by the name that the native routes use."

    def hear(self, orders: Iterable[registrations.Order]) -> None:
        """Begin *orders*; one that is being carried out already is not begun twice."""
        for order in orders:
            if order.id in self._running or "|" in order.id:
                continue
            try:
                steps = self._begin(order)
            except ValueError as error:
                self._kamailio.warn(f"order.not_understood order={order.id!r} why={error}")
                continue
            self._kamailio.note(f"order.begun order={order.id} what={order.WhichOneof('what')}")
            self._running[order.id] = Running(order.id, steps)

    def work(self) -> bool:
        """Carry out a slice of each order; return whether there is more to do at once."""
        busy = False
        for running in list(self._running.values()):
            busy |= running.go_on()
            if running.has_news(time.monotonic()):
                self._say(running.progress())
            if running.finished:
                self._kamailio.note(f"order.finished {running}")
                del self._running[running.order]
        return busy

    def _answered(self, order: str) -> None:
        if order in self._running:
            self._running[order].outstanding -= 1

    def _refused(self, order: str) -> None:
        self._answered(order)
        if order in self._running:
            self._running[order].failed += 1

    def _begin(self, order: registrations.Order) -> Iterator[tuple[int, int, int]]:
        match order.WhichOneof("what"):
            case "cut":
                return self._cut(order)
            case "deregister":
                return iter([self._deregister(order)])
            case "drain":
                return self._drain.begin(order.drain.seconds)
        raise ValueError("of a later contract")

    def _cut(self, order: registrations.Order) -> Iterator[tuple[int, int, int]]:
        target = Target.of(order.cut)
        cuts = int(self._kamailio.row("ep_state", "cuts") or 0) + 1
        # first what is looked for, then the sign to look
        self._kamailio.write_number("ep_cut", target.key, cuts)
        self._kamailio.write_number("ep_state", "cuts", cuts)
        self._clerk.cut(target)
        return self._end_all(target, order)

    def _end_all(
        self, target: Target, order: registrations.Order
    ) -> Iterator[tuple[int, int, int]]:
        code = order.cut.close_code or POLICY_VIOLATION
        standing = self._kamailio.rows("ep_binding")
        hit = [key for key, row in standing.items() if _hits(target, key, row)]
        doors = set(self._doors_of(target))
        for some in _slices(hit):
            asked = [self._end(key, order.id) for key in some]
            empty = {key.partition("|")[0] for key in some} - doors
            unused = [each for each in empty if self._kamailio.row("ep_flow", each) is None]
            closed = [self._close(each, code) for each in unused]
            yield len(some), sum(closed), sum(asked)
        for some in _slices(list(doors)):
            yield 0, sum(self._close(each, code) for each in some), 0

    def _doors_of(self, target: Target) -> Iterator[str]:
        """All connections that are to be closed, whether anything is registered on them or not."""
        if target.kind != "wwsf":
            return iter(())
        doors = self._kamailio.rows("ep_door")
        return (each for each, door in doors.items() if door.partition("|")[0] == target.value)

    def _end(self, key: str, order: str) -> int:
        """End a registration; return how many answers of the core that takes."""
        self._kamailio.run(
            "EPCSCF_END_REGISTRATION", ep_id=key, ep_cause="ordered", ep_order=order, ep_silent=0
        )
        return int(self._kamailio.variable("ep_asked_core"))

    def _close(self, connection: str, code: int) -> int:
        return self._kamailio.close(connection, code, "registration ended")

    def _deregister(self, order: registrations.Order) -> tuple[int, int, int]:
        """Take out of the core what nobody at this edge carries."""
        told = order.deregister
        device = f"c|{coded(told.impu)}|{coded(told.contact)}"
        if self._kamailio.row("ep_device", device) is not None:
            return 0, 0, 0
        self._kamailio.run("EPCSCF_SEND_ON_ERRAND", ep_order=order.id, ep_errand=errand(told))
        return 0, 0, int(self._kamailio.variable("ep_asked_core"))


def _slices(items: list[str]) -> Iterator[list[str]]:
    return (items[start : start + SLICE] for start in range(0, len(items), SLICE))


def _hits(target: Target, key: str, row: str) -> bool:
    fields = row.split("|")
    return target.hits_registration(key, fields[WWSF], fields)
