"""`completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click

from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: epcscfctl completion bash > /etc/bash_completion.d/epcscfctl
    """
    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    click.echo(maker(root, {}, "epcscfctl", "_EPCSCFCTL_COMPLETE").source())
