"""`webhooks`: where the events of a WWSF are delivered."""

from __future__ import annotations

from pathlib import Path

import click

from rich.table import Table

from epcscf.admin.v1 import events_pb2 as pb
from epcscfctl import names
from epcscfctl.failures import EXIT_INVALID, Failure
from epcscfctl.kinds import WWSF
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


COLLECTION = "webhooks/"


@click.group()
def webhooks() -> None:
    """Have events delivered to WWSFs."""


@webhooks.command("set")
@click.argument("wwsf", shell_complete=names.WWSFS)
@click.option("--url", required=True, help="https.")
@click.option(
    "--secret-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Key of the signatures, 32 to 255 characters.",
)
@pass_session
def set_webhook(session: Session, *, wwsf: str, url: str, secret_file: Path) -> None:
    """Deliver the events of WWSF to a URL, from now on."""
    try:
        secret = secret_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{secret_file}: {error}", EXIT_INVALID) from None
    webhook = pb.Webhook(name=COLLECTION + WWSF.key(wwsf), url=url, secret=secret)
    wanted = pb.SetWebhookRequest(webhook=webhook)
    _show(session, [session.events.SetWebhook(wanted, timeout=TIMEOUT)])


@webhooks.command("list")
@pass_session
def list_webhooks(session: Session) -> None:
    """List where events go, and what waits."""
    found = session.events.ListWebhooks(pb.ListWebhooksRequest(), timeout=TIMEOUT)
    _show(session, list(found.webhooks))


@webhooks.command()
@click.argument("wwsf", shell_complete=names.WEBHOOKS)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, *, wwsf: str, yes: bool) -> None:
    """Deliver the events of WWSF no more."""
    name = COLLECTION + WWSF.key(wwsf)
    if not yes:
        click.confirm(f"Delete {name}, and what waits?", abort=True, err=True)
    session.events.DeleteWebhook(pb.DeleteWebhookRequest(name=name), timeout=TIMEOUT)


@webhooks.command()
@click.argument("wwsf", default="", shell_complete=names.WEBHOOKS)
@pass_session
def dead(session: Session, *, wwsf: str) -> None:
    """List deliveries that were given up; `events watch --from oldest` has the events."""
    wanted = pb.ListDeadLettersRequest(name=COLLECTION + WWSF.key(wwsf) if wwsf else "")
    found = session.events.ListDeadLetters(wanted, timeout=TIMEOUT).dead_letters
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    columns = ("event", "wwsf", "impi", "impu", "tries", "why")
    table = Table(*columns, box=None, pad_edge=False)
    for each in found:
        event = each.event
        key = WWSF.key(event.wwsf)
        table.add_row(event.id, key, event.impi, event.impu, str(each.attempts), each.last_error)
    session.console.print(table)


def _show(session: Session, found: list[pb.Webhook]) -> None:
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    table = Table("wwsf", "url", "waiting", "tries", "why", box=None, pad_edge=False)
    for each in found:
        key = each.name.removeprefix(COLLECTION)
        table.add_row(key, each.url, str(each.backlog), str(each.attempts), each.last_error)
    session.console.print(table)
