"""`block`: how the blocks of web servers stand, and their passwords."""

from __future__ import annotations

from pathlib import Path

import click

from rich.table import Table

from epcscf.admin.v1 import blocks_pb2 as pb
from epcscfctl import names
from epcscfctl.failures import EXIT_INVALID, Failure
from epcscfctl.kinds import WWSF
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


@click.group("block")
def blocks() -> None:
    """See and set up the blocks that web servers register."""


@blocks.command("list")
@pass_session
def list_blocks(session: Session) -> None:
    """List blocks, and until when they are registered."""
    found = session.blocks.ListBlocks(pb.ListBlocksRequest(), timeout=TIMEOUT).blocks
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    table = Table(
        *("wwsf", "mode", "pilot", "registered until", "password", "ranges"),
        box=None,
        pad_edge=False,
    )
    for each in found:
        mode = type(each.block).Mode.Name(each.block.mode).lower()
        password = "-" if mode != "static" else "set" if each.block.password_set else "missing"
        told = (WWSF.key(each.wwsf), mode, each.block.pilot, _until(each), password)
        table.add_row(*told, "\n".join(_ranges(each)))
    session.console.print(table)


def _until(status: pb.BlockStatus) -> str:
    if not status.HasField("registered_until"):
        return "not registered"
    return status.registered_until.ToDatetime().isoformat(timespec="seconds") + "Z"


def _ranges(status: pb.BlockStatus) -> list[str]:
    missing = set(status.unconfirmed_ranges)
    return [f"{each} (not confirmed)" if each in missing else each for each in status.ranges]


@blocks.command()
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.option(
    "--password-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="8 to 128 characters, on one line.",
)
@pass_session
def password(session: Session, *, wwsf: str, password_file: Path) -> None:
    """Set the password of the web server of WWSF, in static mode. Kept is a digest of it."""
    try:
        text = password_file.read_text(encoding="ascii").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{password_file}: {error}", EXIT_INVALID) from None
    wanted = pb.SetBlockPasswordRequest(wwsf=WWSF.name(wwsf), password=text)
    session.blocks.SetBlockPassword(wanted, timeout=TIMEOUT)
