"""`epcscfctl`: manage the policy of an eP-CSCF and see what it decides.

A client of the admin services and nothing else: whatever it can do, any gRPC client can.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import grpc

from epcscfctl.blocks.commands import blocks
from epcscfctl.decisions.commands import decisions, explain
from epcscfctl.edges.commands import drain, edges, orders
from epcscfctl.events.commands import events
from epcscfctl.events.webhooks import webhooks
from epcscfctl.failures import fail
from epcscfctl.node.completion import completion
from epcscfctl.node.status import status
from epcscfctl.policy_file.command import apply
from epcscfctl.registrations.commands import registrations
from epcscfctl.resources.commands import groups
from epcscfctl.resources.ranges import ranges
from epcscfctl.revocations.commands import revocations
from epcscfctl.session import open_session
from epcscfctl.waf.commands import waf


class _Commands(click.Group):
    """Turns what a call fails with into one line, whichever command made it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except grpc.RpcError as error:
            fail(error)


PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=_Commands)
@click.version_option(package_name="epcscf", prog_name="epcscfctl")
@click.option(
    "--socket",
    default="/run/epcscf/admin.sock",
    show_default=True,
    envvar="EPCSCFCTL_SOCKET",
    help="Admin socket of epcscfd.",
)
@click.option("--target", envvar="EPCSCFCTL_TARGET", help="HOST:PORT, instead of a socket.")
@click.option("--ca", type=PEM, envvar="EPCSCFCTL_CA", help="Issuer of its certificate.")
@click.option("--cert", type=PEM, envvar="EPCSCFCTL_CERT", help="Our client certificate.")
@click.option("--key", type=PEM, envvar="EPCSCFCTL_KEY", help="The key of --cert.")
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    envvar="EPCSCFCTL_OUTPUT",
    help="For people, or for programs.",
)
@click.pass_context
def cli(context: click.Context, /, **_options: Any) -> None:
    """Manage the policy of an eP-CSCF and see what it decides."""
    context.obj = open_session(context.params)


for command in (
    *groups(),
    ranges,
    blocks,
    apply,
    registrations,
    revocations,
    edges,
    orders,
    drain,
    events,
    webhooks,
    decisions,
    explain,
    status,
    waf,
    completion,
):
    cli.add_command(command)
