"""`status`: whether the sidecar serves, and what it holds."""

from __future__ import annotations

import click

from grpc_health.v1 import (  # type: ignore[import-untyped]  # ships no types
    health_pb2,
    health_pb2_grpc,
)
from rich.table import Table

from epcscfctl.failures import EXIT_UNAVAILABLE
from epcscfctl.kinds import KINDS
from epcscfctl.session import TIMEOUT, Session, pass_session
from epcscfctl.text import to_json


@click.command()
@pass_session
@click.pass_context
def status(context: click.Context, session: Session) -> None:
    """Show health, revision and counts. Exit status 6: it does not serve."""
    health = health_pb2_grpc.HealthStub(session.channel).Check(
        health_pb2.HealthCheckRequest(), timeout=TIMEOUT
    )
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(health.status)
    facts: dict[str, str | int] = {"health": state, "policy_revision": session.revision()}
    facts |= {kind.fields: sum(1 for _ in session.every(kind)) for kind in KINDS}
    if session.output == "json":
        click.echo(to_json(facts))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for fact, value in facts.items():
            table.add_row(fact.replace("_", " "), str(value))
        session.console.print(table)
    if health.status != health_pb2.HealthCheckResponse.SERVING:
        context.exit(EXIT_UNAVAILABLE)
