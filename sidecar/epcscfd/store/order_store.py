"""Orders to edges in a database: outstanding until an edge has said otherwise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from epcscfd.app.orders import OrderPage
from epcscfd.domain.orders import Cut, Delivery, Drain, Issued, Order, Progress, Target
from epcscfd.domain.registration import Boot
from epcscfd.errors import NotFound
from epcscfd.store.notices import announce
from epcscfd.store.paging import open_token, seal_token
from epcscfd.store.standing import edge_boots, order_deliveries, orders
from epcscfd.store.transactions import reading, writing


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.ports import Clock

DRAIN = "drain"
"Errand that is no cut."

COUNTS = ("registrations", "connections", "outstanding", "failed", "cut", "finished")

_d = order_deliveries.c


class SqlOrders:
    """Keeps orders; see `app.orders.OrderStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def issue(self, wanted: Sequence[Order], here: Iterable[Boot]) -> tuple[Order, ...]:
        """Write down those that are new, for every edge that is known or *here*."""
        async with writing(self._engine) as connection:
            ids = [order.id for order in wanted]
            known = set(await connection.scalars(select(orders.c.id).where(orders.c.id.in_(ids))))
            new = {order.id: order for order in wanted if order.id not in known}
            if new:
                boots = await _boots(connection) | {boot.node: boot for boot in here}
                now = self._clock.now()
                rows = [_row(order, now) for order in new.values()]
                await connection.execute(insert(orders), rows)
                await _deliver(connection, new.values(), boots.values())
                await announce(connection)
        return tuple(new.values())

    async def outstanding(self, boot: Boot) -> tuple[Order, ...]:
        """Give what *boot* has not finished, in the order in which it was issued."""
        joined = select(orders).join(order_deliveries)
        at_boot = (_d.node == boot.node, _d.boot_id == boot.boot_id)
        wanted = joined.where(*at_boot, _d.finished.is_(False), _d.pointless.is_(False))
        async with reading(self._engine) as connection:
            found = await connection.execute(wanted.order_by(orders.c.issued_at, orders.c.id))
            return tuple(map(_order, found.mappings()))

    async def restarted(self, boot: Boot) -> None:
        """Note that whatever an earlier boot of the node had to do is pointless."""
        earlier = (_d.node == boot.node, _d.boot_id != boot.boot_id, _d.finished.is_(False))
        async with writing(self._engine) as connection:
            await connection.execute(
                update(order_deliveries).where(*earlier).values(pointless=True)
            )

    async def progressed(self, news: Iterable[tuple[Boot, str, Progress]]) -> None:
        """Write down how far edges have come."""
        async with writing(self._engine) as connection:
            for boot, order_id, progress in news:
                of_boot = (_d.node == boot.node, _d.boot_id == boot.boot_id)
                told = update(order_deliveries).where(*of_boot, _d.order_id == order_id)
                await connection.execute(told.values(asdict(progress)))

    async def get(self, order_id: str) -> Issued:
        """Give one."""
        async with reading(self._engine) as connection:
            found = await _read(connection, orders.c.id == order_id)
        if not found:
            raise NotFound(f"orders/{order_id}")
        return found[0]

    async def list(self, size: int, token: str) -> OrderPage:
        """Give at most *size*, in order of their ids, from where *token* left off."""
        after = select(orders.c.id).where(orders.c.id > open_token(token))
        async with reading(self._engine) as connection:
            ids = list(await connection.scalars(after.order_by(orders.c.id).limit(size + 1)))
            found = await _read(connection, orders.c.id.in_(ids[:size]))
        more = seal_token(ids[size - 1]) if len(ids) > size else ""
        return OrderPage(tuple(found), more)

    async def unconfirmed(self) -> int:
        """Count the orders that some edge has not confirmed."""
        open_ = (_d.cut.is_(False), _d.finished.is_(False), _d.pointless.is_(False))
        counted = select(func.count(_d.order_id.distinct())).where(*open_)
        async with reading(self._engine) as connection:
            return int(await connection.scalar(counted) or 0)

    async def forget(self, before: datetime) -> None:
        """Drop what was issued *before*: nothing that it could cut is alive."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(orders).where(orders.c.issued_at < before))


async def _boots(connection: AsyncConnection) -> dict[str, Boot]:
    found = await connection.execute(select(edge_boots.c.node, edge_boots.c.boot_id))
    return {node: Boot(node, boot_id) for node, boot_id in found}


async def _deliver(
    connection: AsyncConnection, new: Iterable[Order], boots: Iterable[Boot]
) -> None:
    nothing = asdict(Progress())
    rows = [
        {"order_id": order.id, "node": boot.node, "boot_id": boot.boot_id, **nothing}
        | {"pointless": False}
        for boot in boots
        for order in new
        if order.node in {"", boot.node}
    ]
    if rows:
        await connection.execute(insert(order_deliveries), rows)


async def _read(connection: AsyncConnection, which: ColumnElement[bool]) -> list[Issued]:
    found = list((await connection.execute(select(orders).where(which))).mappings())
    ids = [row["id"] for row in found]
    deliveries = select(order_deliveries).where(_d.order_id.in_(ids)).order_by(_d.node)
    of_order: defaultdict[str, list[Delivery]] = defaultdict(list)
    for row in (await connection.execute(deliveries)).mappings():
        of_order[row["order_id"]].append(_delivery(row))
    return [
        Issued(_order(row), row["issued_at"], tuple(of_order[row["id"]]))
        for row in sorted(found, key=lambda row: str(row["id"]))
    ]


def _row(order: Order, now: datetime) -> dict[str, Any]:
    match order.errand:
        case Cut(target, value, close_code):
            errand = {"errand": target, "value": value, "number": close_code}
        case Drain(seconds):
            errand = {"errand": DRAIN, "value": "", "number": seconds}
    return {"id": order.id, "node": order.node, "issued_at": now, **errand}


def _order(row: RowMapping) -> Order:
    if row["errand"] == DRAIN:
        return Order(row["id"], Drain(row["number"]), row["node"])
    cut = Cut(Target(row["errand"]), row["value"], row["number"])
    return Order(row["id"], cut, row["node"])


def _delivery(row: RowMapping) -> Delivery:
    progress = Progress(**{count: row[count] for count in COUNTS})
    return Delivery(Boot(row["node"], row["boot_id"]), progress, row["pointless"])
