"""`waf`: clients, accounts, users and keys of the authorization server."""

from __future__ import annotations

import sys

from typing import TYPE_CHECKING

import click

from click.termui import prompt
from rich.table import Table

from epcscf.admin.v1 import waf_pb2 as pb
from epcscfctl import names
from epcscfctl.kinds import WAF_CLIENT, WAF_KINDS, WAF_USER
from epcscfctl.resources.commands import group_of
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = "wafKeys/"


@click.group()
def waf() -> None:
    """Manage the authorization server (WAF)."""


GROUPS: dict[str, click.Group] = {kind.group: group_of(kind) for kind in WAF_KINDS}
for group in GROUPS.values():
    waf.add_command(group)


@GROUPS[WAF_CLIENT.group].command()
@click.argument("client", shell_complete=names.names_of(WAF_CLIENT))
@click.option(
    "--keep-others",
    type=click.IntRange(0, 31 * 86_400),
    default=0,
    help="Seconds for which the secrets before go on to count. [default: 0]",
)
@pass_session
def secret(session: Session, *, client: str, keep_others: int) -> None:
    """Make a secret for CLIENT and print it, this once."""
    request = pb.AddWafClientSecretRequest(
        name=WAF_CLIENT.name(client), keep_others_seconds=keep_others
    )
    answer = session.waf.AddWafClientSecret(request, timeout=TIMEOUT)
    click.echo(to_json(to_fields(answer)) if session.output == "json" else answer.secret)


@GROUPS[WAF_USER.group].command()
@click.argument("user", shell_complete=names.names_of(WAF_USER))
@click.option("--stdin", is_flag=True, help="Read it from standard input, the first line.")
@pass_session
def password(session: Session, *, user: str, stdin: bool) -> None:
    """Set the password of USER."""
    text = _from_stdin() if stdin else _asked_for()
    request = pb.SetWafUserPasswordRequest(name=WAF_USER.name(user), password=text)
    session.waf.SetWafUserPassword(request, timeout=TIMEOUT)


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\n")


def _asked_for() -> str:
    return str(prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@waf.group()
def key() -> None:
    """Manage the keys that tokens are signed with."""


@key.command("list")
@pass_session
def list_keys(session: Session) -> None:
    """List the keys that are published, newest first."""
    found = session.waf.ListWafKeys(pb.ListWafKeysRequest(), timeout=TIMEOUT).waf_keys
    _show(session, found)


@key.command()
@pass_session
def rotate(session: Session) -> None:
    """Make the next key now; it signs an hour later."""
    _show(session, [session.waf.RotateWafKeys(pb.RotateWafKeysRequest(), timeout=TIMEOUT)])


@key.command()
@click.argument("kid", shell_complete=names.WAF_KEYS)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_session
def drop(session: Session, *, kid: str, yes: bool) -> None:
    """Drop the key KID, which others may have: its tokens are refused."""
    if not yes:
        click.confirm(f"Refuse every token that {kid} has signed?", abort=True, err=True)
    session.waf.DropWafKey(pb.DropWafKeyRequest(name=f"{KEYS}{kid}"), timeout=TIMEOUT)


def _show(session: Session, found: Iterable[pb.WafKey]) -> None:
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    table = Table("kid", "signs from", box=None, pad_edge=False)
    for each in found:
        time = each.sign_time.ToDatetime().isoformat(timespec="seconds") + "Z"
        table.add_row(each.name.removeprefix(KEYS), time)
    session.console.print(table)
