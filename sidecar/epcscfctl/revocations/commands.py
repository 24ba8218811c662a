"""`revocations`: tokens that are refused although they have not expired."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from rich.table import Table

from epcscf.admin.v1 import revocations_pb2 as pb
from epcscfctl import names
from epcscfctl.edges import outcome
from epcscfctl.edges.commands import REQUEST_ID
from epcscfctl.edges.outcome import key
from epcscfctl.failures import EXIT_INVALID, Failure
from epcscfctl.kinds import ENTITY, WWSF
from epcscfctl.session import PAGE, TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


INSTANT = click.DateTime(["%Y-%m-%dT%H:%M:%SZ"])


@click.group()
def revocations() -> None:
    """Revoke tokens, and see which are."""


@revocations.command()
@click.option("--jti", help="One token. Needs --issuer or --entity.")
@click.option("--subject", help="All tokens of a user. Needs --issuer or --entity.")
@click.option("--impi", help="All tokens of a private identity.", shell_complete=names.IMPIS)
@click.option("--wwsf", help="All tokens of a WWSF.", shell_complete=names.WWSFS)
@click.option("--issuer", default="", help="`iss` of the tokens.", shell_complete=names.ISSUERS)
@click.option(
    "--entity",
    default="",
    help="The authorization entity whose `iss` it is.",
    shell_complete=names.ENTITIES,
)
@click.option("--issued-before", type=INSTANT, help="Spare newer tokens. [default: now]")
@click.option("--expires", type=INSTANT, help="[default: when no such token can be alive]")
@click.option("--note", default="", help="Why, for other operators.")
@REQUEST_ID
@pass_session
def create(
    session: Session,
    /,
    *,
    issued_before: datetime | None,
    expires: datetime | None,
    request_id: str,
    note: str,
    **whom: str | None,
) -> None:
    """Revoke tokens, and cut off whoever is registered by them, at once."""
    revocation = _revocation(session, whom)
    revocation.note = note
    if issued_before is not None:
        revocation.issued_before.FromDatetime(issued_before.replace(tzinfo=UTC))
    if expires is not None:
        revocation.expire_time.FromDatetime(expires.replace(tzinfo=UTC))
    wanted = pb.CreateRevocationRequest(revocation=revocation, request_id=request_id)
    done = session.revocations.CreateRevocation(wanted, timeout=TIMEOUT)
    if session.output == "json":
        order = outcome.as_fields(done.order)
        click.echo(to_json({"revocation": to_fields(done.revocation), "order": order}))
    else:
        session.console.print(f"{done.revocation.name} is in force")
        outcome.show_table(session, [done.order])
    outcome.end([done.order])


def _revocation(session: Session, whom: dict[str, str | None]) -> pb.Revocation:
    given = [name for name in ("jti", "subject", "impi", "wwsf") if whom[name]]
    if len(given) != 1:
        raise Failure("say whose: one of --jti, --subject, --impi, --wwsf", EXIT_INVALID)
    value = str(whom[given[0]])
    if given == ["impi"]:
        return pb.Revocation(impi=value)
    if given == ["wwsf"]:
        return pb.Revocation(wwsf=WWSF.name(value))
    entity = whom["entity"]
    issuer = session.get(ENTITY, entity).issuer if entity else whom["issuer"]
    if not issuer:
        raise Failure("say by whom it was issued: --issuer or --entity", EXIT_INVALID)
    named = pb.IssuedName(issuer=issuer, name=value)
    return pb.Revocation(token=named) if given == ["jti"] else pb.Revocation(subject=named)


@revocations.command("list")
@pass_session
def list_revocations(session: Session) -> None:
    """List what is revoked."""
    wanted = pb.ListRevocationsRequest(page_size=PAGE)
    found = list(session.paged(session.revocations.ListRevocations, wanted, "revocations"))
    if session.output == "json":
        click.echo(to_json([to_fields(each) for each in found]))
        return
    table = Table("revocation", "of", "value", "until", "note", box=None, pad_edge=False)
    for each in found:
        until = each.expire_time.ToDatetime().isoformat(timespec="seconds") + "Z"
        table.add_row(key(each.name), *_shown(each), until, each.note)
    session.console.print(table)


@revocations.command()
@click.argument("revocation", shell_complete=names.REVOCATIONS)
@pass_session
def delete(session: Session, *, revocation: str) -> None:
    """Take REVOCATION back: its tokens are honoured again, until they expire."""
    name = f"revocations/{revocation.removeprefix('revocations/')}"
    session.revocations.DeleteRevocation(pb.DeleteRevocationRequest(name=name), timeout=TIMEOUT)


def _shown(revocation: pb.Revocation) -> tuple[str, str]:
    match revocation.WhichOneof("whom"):
        case "token":
            return "jti", f"{revocation.token.name} ({revocation.token.issuer})"
        case "subject":
            return "subject", f"{revocation.subject.name} ({revocation.subject.issuer})"
        case "impi":
            return "impi", revocation.impi
        case _:
            return "wwsf", WWSF.key(revocation.wwsf)
