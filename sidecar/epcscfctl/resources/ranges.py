"""`range`: the ranges of WWSFs, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rich.table import Table

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfctl import names
from epcscfctl.failures import EXIT_NOT_FOUND, Failure
from epcscfctl.kinds import WWSF
from epcscfctl.session import Session, pass_session
from epcscfctl.text import to_fields, to_json


if TYPE_CHECKING:
    from collections.abc import Iterable

YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.group("range")
def ranges() -> None:
    """Manage the identity ranges of WWSFs."""


@ranges.command("list")
@click.argument("wwsf", default="", shell_complete=names.WWSFS)
@pass_session
def list_ranges(session: Session, *, wwsf: str) -> None:
    """List the ranges of all WWSFs, or of one."""
    holders = [session.get(WWSF, wwsf)] if wwsf else session.every(WWSF)
    found = [(holder.name, each) for holder in holders for each in holder.ranges]
    if session.output == "json":
        click.echo(to_json([{"wwsf": name, **to_fields(each)} for name, each in found]))
        return
    table = Table("range", "wwsf", "mode", "enabled", box=None, pad_edge=False)
    for name, each in found:
        mode = pb.IdentityRange.Mode.Name(each.mode).lower()
        table.add_row(each.range, WWSF.key(name), mode, "yes" if each.enabled else "no")
    session.console.print(table)


@ranges.command()
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.argument("text", metavar="RANGE")
@click.option("--enable", is_flag=True, help="Accept registrations out of it at once.")
@click.option("--in-block", is_flag=True, help="Its web server registers it, with its block.")
@pass_session
def add(session: Session, *, wwsf: str, text: str, enable: bool, in_block: bool) -> None:
    """Give RANGE (`sip:room-!.*!@ims.example`) to WWSF."""
    holder = session.get(WWSF, wwsf)
    mode = pb.IdentityRange.BLOCK if in_block else pb.IdentityRange.STATIC
    new = pb.IdentityRange(range=text, mode=mode, enabled=enable)
    _write(session, holder, [*holder.ranges, new])


@ranges.command()
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.argument("text", metavar="RANGE", shell_complete=names.RANGES)
@YES
@pass_session
def remove(session: Session, *, wwsf: str, text: str, yes: bool) -> None:
    """Take RANGE from WWSF: its users are refused, at once."""
    holder, one = _find(session, wwsf, text)
    _confirm(f"Take {text} from {holder.name}?", yes=yes)
    _write(session, holder, [each for each in holder.ranges if each != one])


@ranges.command()
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.argument("text", metavar="RANGE", shell_complete=names.RANGES)
@pass_session
def enable(session: Session, *, wwsf: str, text: str) -> None:
    """Accept registrations out of RANGE of WWSF: the core has it."""
    _set_enabled(session, _find(session, wwsf, text), enabled=True)


@ranges.command()
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.argument("text", metavar="RANGE", shell_complete=names.RANGES)
@YES
@pass_session
def disable(session: Session, *, wwsf: str, text: str, yes: bool) -> None:
    """Refuse registrations out of RANGE of WWSF, at once; it stays theirs."""
    found = _find(session, wwsf, text)
    _confirm(f"Disable {text} of {found[0].name}?", yes=yes)
    _set_enabled(session, found, enabled=False)


def _find(session: Session, wwsf: str, text: str) -> tuple[pb.Wwsf, pb.IdentityRange]:
    holder = session.get(WWSF, wwsf)
    for each in holder.ranges:
        if each.range == text:
            return holder, each
    known = ", ".join(each.range for each in holder.ranges) or "none"
    raise Failure(f"{holder.name} has no range {text!r}; it has: {known}", EXIT_NOT_FOUND)


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _set_enabled(
    session: Session, found: tuple[pb.Wwsf, pb.IdentityRange], *, enabled: bool
) -> None:
    holder, one = found
    one.enabled = enabled
    _write(session, holder, holder.ranges)


def _write(session: Session, holder: pb.Wwsf, wanted: Iterable[Any]) -> None:
    # The etag keeps what somebody else does meanwhile from being lost.
    message = pb.Wwsf(name=holder.name, etag=holder.etag, ranges=wanted)
    session.update(WWSF, message, ["ranges"])
