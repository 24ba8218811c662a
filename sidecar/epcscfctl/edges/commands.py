"""`edges`, `orders` and `drain`: the SIP edges, and what they have been ordered to do."""

from __future__ import annotations

import re

import click

from google.protobuf.duration_pb2 import Duration
from rich.table import Table

from epcscf.admin.v1 import edges_pb2 as pb
from epcscfctl import names
from epcscfctl.edges import outcome
from epcscfctl.edges.outcome import key
from epcscfctl.session import PAGE, TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


SECONDS_OF = {"s": 1, "m": 60, "h": 3600}

REQUEST_ID = click.option(
    "--request-id", default="", help="A second call with the same one does nothing again."
)


class Period(click.ParamType[int]):
    """A time like 90s, 10m or 2h; gives seconds."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read *value*."""
        found = re.fullmatch(r"(\d{1,6})([smh])", str(value))
        if found is None:
            self.fail(f"{value!r} is no time such as 90s, 10m or 2h", param, ctx)
        return int(found[1]) * SECONDS_OF[found[2]]


@click.group()
def edges() -> None:
    """Show the SIP edges."""


@edges.command("list")
@pass_session
def list_edges(session: Session) -> None:
    """List the edges that have ever been here."""
    found = session.edges.ListEdges(pb.ListEdgesRequest(), timeout=TIMEOUT).edges
    if session.output == "json":
        click.echo(to_json([to_fields(each) | {"connected": each.connected} for each in found]))
        return
    table = Table("edge", "connected", "seen", "boot", box=None, pad_edge=False)
    for each in found:
        seen = each.seen_time.ToDatetime().isoformat(timespec="seconds") + "Z"
        table.add_row(key(each.name), "yes" if each.connected else "no", seen, each.boot_id)
    session.console.print(table)


@click.command()
@click.argument("edge", shell_complete=names.EDGES)
@click.option("--over", type=Period(), default="10m", show_default=True, help="How slowly.")
@click.option("--undo", is_flag=True, help="Take up normal work again.")
@REQUEST_ID
@pass_session
def drain(session: Session, *, edge: str, over: int, undo: bool, request_id: str) -> None:
    """Have EDGE let nobody in any more, and close what is open, ahead of a restart."""
    wanted = pb.DrainEdgeRequest(
        name=f"edges/{edge.removeprefix('edges/')}",
        over=Duration(seconds=0 if undo else over),
        request_id=request_id,
    )
    outcome.show(session, [session.edges.DrainEdge(wanted, timeout=TIMEOUT)])


@click.group()
def orders() -> None:
    """Show what edges have been ordered to do."""


@orders.command("list")
@click.option("--unconfirmed", is_flag=True, help="Only those that some edge has not confirmed.")
@pass_session
def list_orders(session: Session, *, unconfirmed: bool) -> None:
    """List orders."""
    every = session.paged(session.edges.ListOrders, pb.ListOrdersRequest(page_size=PAGE), "orders")
    found = [each for each in every if not (unconfirmed and each.confirmed)]
    if session.output == "json":
        click.echo(to_json([outcome.as_fields(each) for each in found]))
        return
    table = Table("order", "time", "errand", "value", "confirmed", box=None, pad_edge=False)
    for each in found:
        time = each.create_time.ToDatetime().isoformat(timespec="seconds") + "Z"
        confirmed = "yes" if each.confirmed else "no"
        table.add_row(key(each.name), time, each.errand, each.value, confirmed)
    session.console.print(table)


@orders.command("show")
@click.argument("order", shell_complete=names.ORDERS)
@pass_session
def show_order(session: Session, *, order: str) -> None:
    """Show what became of ORDER. Exit status 8: not every edge has confirmed it."""
    wanted = pb.GetOrderRequest(name=f"orders/{order.removeprefix('orders/')}")
    outcome.show(session, [session.edges.GetOrder(wanted, timeout=TIMEOUT)])
