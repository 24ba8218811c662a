"""`decisions list`, and `explain`, which answers why a REGISTER was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rich.table import Table
from rich.text import Text

from epcscf.admin.v1 import decisions_pb2 as pb
from epcscfctl import names
from epcscfctl.failures import EXIT_NOT_FOUND, Failure
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_fields, to_json


if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def decisions() -> None:
    """Show what was decided about REGISTERs."""


@decisions.command("list")
@click.option("--match", default="", help="Only with this text in IMPU, IMPI, Call-ID or WWSF.")
@click.option("--refused", is_flag=True, help="Only refusals.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@pass_session
def list_decisions(session: Session, *, match: str, refused: bool, limit: int) -> None:
    """List decisions, newest first."""
    wanted = pb.ListDecisionsRequest(page_size=limit, matching=match, refused_only=refused)
    found = _ask(session, wanted)
    if session.output == "json":
        click.echo(to_json([to_fields(decision) for decision in found]))
        return
    table = Table("time", "decision", "ending", "reason", "impu", "wwsf", box=None, pad_edge=False)
    for each in found:
        time = _time(each)
        table.add_row(time, each.decision_id, each.ending, each.reason, each.impu, each.wwsf)
    session.console.print(table)


@click.command()
@click.argument("decision_id", default="", shell_complete=names.DECISION_IDS)
@click.option("--match", default="", help="The last refusal with this text in it.")
@pass_session
def explain(session: Session, *, decision_id: str, match: str) -> None:
    """Say why a REGISTER was refused or let through.

    Without DECISION_ID: the last refusal.
    """
    wanted = pb.ListDecisionsRequest(
        page_size=1, decision_id=decision_id, matching=match, refused_only=not decision_id
    )
    found = _ask(session, wanted)
    if not found:
        what = decision_id or (f"refusal with {match!r}" if match else "refusal")
        advice = "older ones are in the log of epcscfd (register.decided)"
        raise Failure(f"no {what} is remembered: {advice}", EXIT_NOT_FOUND)
    if session.output == "json":
        click.echo(to_json(to_fields(found[0])))
    else:
        _show(session, found[0])


def _ask(session: Session, wanted: pb.ListDecisionsRequest) -> Sequence[pb.Decision]:
    return session.decisions.ListDecisions(wanted, timeout=TIMEOUT).decisions


def _time(decision: pb.Decision) -> str:
    return decision.time.ToDatetime().isoformat(timespec="milliseconds") + "Z"


def _show(session: Session, decision: pb.Decision) -> None:
    verdict = f"refused: {decision.reason}" if decision.reason else "let through"
    session.console.print(Text(verdict, "bold red" if decision.reason else "bold green"))
    if decision.advice:
        session.console.print(Text(decision.advice))
    table = Table(box=None, show_header=False, pad_edge=False)
    facts = {
        "decision": decision.decision_id,
        "time": _time(decision),
        "impu": decision.impu,
        "impi": decision.impi,
        "wwsf": decision.wwsf,
        "authorization entity": decision.authorization_entity,
        "jti": decision.token_id,
        "call-id": decision.call_id,
        "policy revision": str(decision.revision),
    }
    for fact, value in facts.items():
        table.add_row(Text(fact), Text(value or "-"))
    session.console.print(table)
    for check in decision.checks:
        mark, style = ("✓", "green") if check.passed else ("✗", "red")
        session.console.print(Text(f"{mark} {check.name} ({check.clause})", style))
