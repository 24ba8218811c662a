"""What became of orders, by edge; and an exit status that says whether all have confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rich.table import Table

from epcscf.admin.v1 import edges_pb2 as pb
from epcscfctl.failures import EXIT_UNCONFIRMED
from epcscfctl.text import to_fields, to_json


if TYPE_CHECKING:
    from collections.abc import Sequence

    from epcscfctl.session import Session

COUNTS = ("registrations", "connections", "outstanding", "failed")


def show(session: Session, orders: Sequence[pb.Order]) -> None:
    """Show *orders*, and end with EXIT_UNCONFIRMED if an edge has not confirmed one."""
    if session.output == "json":
        click.echo(to_json([as_fields(order) for order in orders]))
    else:
        show_table(session, orders)
    end(orders)


def as_fields(order: pb.Order) -> dict[str, Any]:
    """Give *order* for programs, which find `confirmed` whatever it says."""
    return to_fields(order) | {"confirmed": order.confirmed}


def show_table(session: Session, orders: Sequence[pb.Order]) -> None:
    """Show *orders* to people."""
    table = Table("order", "edge", "state", *COUNTS, box=None, pad_edge=False)
    for order in orders:
        for each in order.deliveries:
            state = pb.Delivery.State.Name(each.state).lower().replace("_", " ")
            counts = (str(getattr(each, count)) for count in COUNTS)
            table.add_row(key(order.name), key(each.edge), state, *counts)
    if table.row_count:
        session.console.print(table)
    else:
        session.console.print("no edge has ever been here: nothing to be cut")


def line(order: pb.Order) -> str:
    """Say in one line what became of *order*."""
    states = pb.Delivery.State
    told = (
        f"{key(each.edge)}: {states.Name(each.state).lower().replace('_', ' ')},"
        f" {each.connections} connections closed"
        for each in order.deliveries
    )
    return f"{order.name}: {'; '.join(told) or 'no edge has ever been here'}"


def end(orders: Sequence[pb.Order]) -> None:
    """End with EXIT_UNCONFIRMED if an edge has not confirmed one of *orders*."""
    if all(order.confirmed for order in orders):
        return
    click.echo("not confirmed everywhere: such an edge does it as soon as it is back", err=True)
    click.get_current_context().exit(EXIT_UNCONFIRMED)


def key(name: str) -> str:
    """Give the last part of *name*."""
    return name.partition("/")[2]
