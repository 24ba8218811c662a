"""`epcscfd serve | waf | check-config | migrate`.

Whatever is wrong with the settings ends in one line on standard error and exit status 78
(EX_CONFIG of sysexits.h), so that a service manager does not try again for ever.
"""

from __future__ import annotations

import asyncio
import os
import sys

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from epcscfd.errors import ConfigError, EpcscfError
from epcscfd.settings import Settings, load_settings


if TYPE_CHECKING:
    from collections.abc import Coroutine

EXIT_BREAKDOWN = 1
EXIT_CONFIG = 78

OTHERS_NOTHING = 0o027

CONFIG = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/etc/epcscf/epcscfd.toml"),
    show_default=True,
    envvar="EPCSCF_CONFIG",
    help="Settings.",
)


@click.group()
@click.version_option(package_name="epcscf", prog_name="epcscfd")
def cli() -> None:
    """Judge REGISTERs of browser clients for an eP-CSCF."""


@cli.command()
@CONFIG
def serve(config: Path) -> None:
    """Serve edges and operators until SIGTERM."""
    from epcscfd.main.serve import serve_until_told  # noqa: PLC0415 - the others need no gRPC

    _run(serve_until_told(_settings(config)))


@cli.command()
@CONFIG
def waf(config: Path) -> None:
    """Serve the authorization server of the settings' `[waf]` until SIGTERM."""
    from epcscfd.main.serve import serve_until_told  # noqa: PLC0415 - see serve
    from epcscfd.main.waf_process import WafProcess  # noqa: PLC0415 - only here is the web needed

    _run(serve_until_told(_settings(config), WafProcess))


@cli.command("check-config")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def check_config(file: Path) -> None:
    """Check FILE, and the environment over it, as `serve` would."""
    _settings(file)
    click.echo(f"{file}: good")


@cli.command()
@CONFIG
def migrate(config: Path) -> None:
    """Bring the tables of the store up to date; `serve` does so too."""
    from epcscfd.main.serve import migrate_store  # noqa: PLC0415 - see serve

    done = _run(migrate_store(_settings(config)))
    click.echo("migrated" if done else "up to date")


def _settings(file: Path) -> Settings:
    try:
        return load_settings(file, os.environ)
    except ConfigError as error:
        _end(error)


def _run(work: Coroutine[None, None, bool]) -> bool:
    # What we make is for owner and group; sockets say so themselves.
    os.umask(OTHERS_NOTHING)
    try:
        return asyncio.run(work)
    except EpcscfError as error:
        _end(error)


def _end(error: EpcscfError) -> NoReturn:
    click.echo(f"epcscfd: {error}", err=True)
    sys.exit(EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_BREAKDOWN)


def run() -> None:
    """Run the command line."""
    cli(prog_name="epcscfd")
