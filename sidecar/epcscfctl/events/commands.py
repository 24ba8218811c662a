"""`events watch`: identities that are no longer registered, as it happens."""

from __future__ import annotations

import json

import click

from epcscf.admin.v1 import events_pb2 as pb
from epcscfctl import names
from epcscfctl.kinds import WWSF
from epcscfctl.session import Session, pass_session
from epcscfctl.text import to_fields


@click.group()
def events() -> None:
    """See which identities are released."""


@events.command()
@click.option("--from", "cursor", default="", help="Cursor, or `oldest`. [default: from now on]")
@click.option("--wwsf", default="", help="Only of this WWSF.", shell_complete=names.WWSFS)
@click.option("--count", type=click.IntRange(1), help="End after so many. [default: go on]")
@pass_session
def watch(session: Session, *, cursor: str, wwsf: str, count: int | None) -> None:
    """Print events as they happen, one line each, until interrupted.

    A line says by which cursor to go on after it.
    """
    wanted = pb.WatchEventsRequest(cursor=cursor, wwsf=WWSF.name(wwsf) if wwsf else "")
    stream = session.events.WatchEvents(wanted)
    left = count
    for answer in stream:
        if not answer.HasField("event"):
            click.echo(f"watching from {answer.cursor}", err=True)
            continue
        click.echo(_line(session, answer))
        left = left and left - 1
        if left == 0:
            stream.cancel()
            return


def _line(session: Session, answer: pb.WatchEventsResponse) -> str:
    event = answer.event
    if session.output == "json":
        # One object per line, since there is no last one.
        return json.dumps(to_fields(event) | {"cursor": answer.cursor}, ensure_ascii=False)
    time = event.time.ToDatetime().isoformat(timespec="seconds") + "Z"
    until = event.may_return_until.ToDatetime().isoformat(timespec="seconds") + "Z"
    returns = f"may return until {until}" if event.HasField("may_return_until") else "free"
    words = (time, WWSF.key(event.wwsf), event.impi, event.impu, event.cause, returns)
    return "  ".join((*words, answer.cursor))
