"""`registrations`: who is registered, over which edge."""

from __future__ import annotations

from itertools import islice

import click

from rich.table import Table

from epcscf.admin.v1 import registrations_pb2 as pb
from epcscfctl import names
from epcscfctl.edges import outcome
from epcscfctl.edges.commands import REQUEST_ID
from epcscfctl.failures import EXIT_INVALID, Failure
from epcscfctl.kinds import WWSF
from epcscfctl.session import PAGE, TIMEOUT, Session, pass_session
from epcscfctl.text import shown, to_fields, to_json


COLLECTION = "registrations/"


@click.group()
def registrations() -> None:
    """Show who is registered, and end it."""


@registrations.command("list")
@click.option(
    "--impi", default="", help="Only of this private identity.", shell_complete=names.IMPIS
)
@click.option(
    "--impu", default="", help="Only of this public identity.", shell_complete=names.IMPUS
)
@click.option("--wwsf", default="", help="Only of this WWSF.", shell_complete=names.WWSFS)
@click.option("--node", default="", help="Only at this edge.", shell_complete=names.EDGES)
@click.option("--ended", is_flag=True, help="Also those that have ended.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@pass_session
def list_registrations(
    session: Session, /, *, wwsf: str, ended: bool, limit: int | None, **only: str
) -> None:
    """List registrations."""
    wanted = pb.ListRegistrationsRequest(
        page_size=PAGE, wwsf=WWSF.name(wwsf) if wwsf else "", show_ended=ended, **only
    )
    found = islice(
        session.paged(session.registrations.ListRegistrations, wanted, "registrations"), limit
    )
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    columns = ("registration", "impu", "impi", "wwsf", "node", "state", "until")
    table = Table(*columns, box=None, pad_edge=False)
    for each in found:
        state = pb.Registration.State.Name(each.state).lower()
        until = each.expire_time.ToDatetime().isoformat() + "Z"
        key, wwsf = each.name.removeprefix(COLLECTION), WWSF.key(each.wwsf)
        table.add_row(key, each.impu, each.impi, wwsf, each.node, state, until)
    session.console.print(table)


@registrations.command()
@click.argument("registration", shell_complete=names.REGISTRATIONS)
@pass_session
def show(session: Session, *, registration: str) -> None:
    """Show all that is known about REGISTRATION."""
    name = COLLECTION + registration.removeprefix(COLLECTION)
    wanted = pb.GetRegistrationRequest(name=name)
    fields = to_fields(session.registrations.GetRegistration(wanted, timeout=TIMEOUT))
    if session.output == "json":
        click.echo(to_json(fields))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for field, value in fields.items():
        table.add_row(field.replace("_", " "), shown(value))
    session.console.print(table)


@registrations.command()
@click.argument("registration", default="", shell_complete=names.REGISTRATIONS)
@click.option(
    "--impi", default="", help="All of this private identity.", shell_complete=names.IMPIS
)
@click.option(
    "--impu", default="", help="All of this public identity.", shell_complete=names.IMPUS
)
@click.option(
    "--wwsf", default="", help="All connections of this WWSF.", shell_complete=names.WWSFS
)
@click.option(
    "--node", default="", help="Only at this edge; alone: all there.", shell_complete=names.EDGES
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@REQUEST_ID
@pass_session
def terminate(
    session: Session, /, *, registration: str, yes: bool, request_id: str, node: str, **of: str
) -> None:
    """End registrations: close their connections and tell the core.

    Whoever has a good token may register again: see `revocations create`.
    """
    which = {field: value for field, value in of.items() if value}
    if registration:
        which["name"] = COLLECTION + registration.removeprefix(COLLECTION)
    if "wwsf" in which:
        which["wwsf"] = WWSF.name(which["wwsf"])
    if len(which) > 1 or not (which or node):
        raise Failure("say which: REGISTRATION, --impi, --impu, --wwsf or --node", EXIT_INVALID)
    if not yes:
        what = " ".join((*which.values(), f"at {node}" if node else "")).strip()
        click.confirm(f"End registrations of {what}?", abort=True, err=True)
    wanted = pb.TerminateRegistrationsRequest(node=node, request_id=request_id, **which)
    done = session.registrations.TerminateRegistrations(wanted, timeout=TIMEOUT)
    outcome.show(session, done.orders)
