"""`wwsf check`: whose an identity is, and by which record."""

from __future__ import annotations

import click

from rich.table import Table
from rich.text import Text

from epcscf.admin.v1 import ownership_pb2 as pb
from epcscfctl import names
from epcscfctl.kinds import WWSF
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


STYLES = {"PROVEN": "bold green", "UNPROVEN": "bold yellow"}
NOBODY = "nobody here claims it: for most WWSFs the core decides; for one with ranges only, nobody"


@click.command()
@click.argument("impu")
@click.option("--impi", default="", help="IMPI that a token would name. [default: one that suits]")
@click.option(
    "--wwsf", default="", help="Only what it is for this WWSF.", shell_complete=names.WWSFS
)
@pass_session
def check(session: Session, *, impu: str, impi: str, wwsf: str) -> None:
    """Say whose the identity IMPU is, without a token."""
    name = WWSF.name(wwsf) if wwsf else ""
    request = pb.LookUpOwnerRequest(impu=impu, impi=impi, wwsf=name)
    found = session.ownership.LookUpOwner(request, timeout=TIMEOUT)
    if session.output == "json":
        click.echo(to_json(to_fields(found)))
    else:
        _show(session, found)


def _show(session: Session, found: pb.LookUpOwnerResponse) -> None:
    session.console.print(found.impu)
    for standing in found.standings:
        ownership = pb.Standing.Ownership.Name(standing.ownership)
        refused = f", refused: {standing.reason}" if standing.reason else ""
        line = f"{ownership.lower()} for {standing.wwsf}{refused}"
        session.console.print(Text(line, STYLES.get(ownership, "bold red")))
    if not found.records:
        session.console.print(NOBODY)
        return
    table = Table("record", "in", "entry", "wwsfs", box=None, pad_edge=False)
    for record in found.records:
        kind = pb.Record.Kind.Name(record.kind).lower()
        state = " (not enabled)" if record.kind == pb.Record.RANGE and not record.enabled else ""
        table.add_row(kind, record.name, record.entry + state, "\n".join(record.wwsfs))
    session.console.print(table)
