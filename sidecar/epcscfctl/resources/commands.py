"""`list`, `get`, `create`, `update` and `delete`, made once for every kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rich.table import Table

from epcscfctl.edges import outcome
from epcscfctl.failures import EXIT_INVALID, Failure
from epcscfctl.kinds import KINDS, WAF_CLIENT, WWSF
from epcscfctl.names import names_of
from epcscfctl.resources.check import check
from epcscfctl.resources.flags import READ_HERE, given, nested, options
from epcscfctl.session import Session
from epcscfctl.text import content, read_file, shown, to_fields, to_json, to_message


if TYPE_CHECKING:
    from epcscfctl.kinds import Kind, Switch

FILE = ["--file", "-f", "file"]
DRY_RUN = "Check, and change nothing."


def groups() -> list[click.Group]:
    """Make the group of every kind of the policy."""
    return [group_of(kind) for kind in KINDS]


def group_of(kind: Kind) -> click.Group:
    """Make the group of *kind*."""
    commands = [_list(kind), _get(kind), _create(kind), _update(kind), _delete(kind)]
    commands += [_switch(kind, switch) for switch in kind.switches]
    commands += [check] if kind is WWSF else []
    return click.Group(
        kind.group,
        commands={str(command.name): command for command in commands},
        help=f"Manage {kind.fields.replace('_', ' ').replace('wwsfs', 'WWSFs')}.",
    )


def _key(kind: Kind) -> click.Argument:
    return click.Argument(["key"], metavar=kind.noun.upper(), shell_complete=names_of(kind))


def _new_key(kind: Kind) -> click.Argument:
    # A client of the WAF goes by the name of its WWSF; other new names are up to the operator.
    offer = names_of(WWSF) if kind is WAF_CLIENT else None
    return click.Argument(["key"], metavar=kind.noun.upper(), shell_complete=offer)


def _list(kind: Kind) -> click.Command:
    def run() -> None:
        session = _session()
        found = list(session.every(kind))
        if session.output == "json":
            click.echo(to_json([to_fields(message) for message in found]))
            return
        table = Table("name", *kind.columns, box=None, pad_edge=False)
        for message in found:
            fields = to_fields(message)
            cells = (shown(fields.get(column, "")) for column in kind.columns)
            table.add_row(kind.key(message.name), *cells)
        session.console.print(table)

    return click.Command("list", callback=run, help="List them by name.")


def _get(kind: Kind) -> click.Command:
    def run(key: str) -> None:
        _show(_session(), _session().get(kind, key))

    return click.Command("get", callback=run, params=[_key(kind)], help=f"Show one {kind.title}.")


def _create(kind: Kind) -> click.Command:
    def run(key: str, file: Path | None, *, dry_run: bool, **parameters: Any) -> None:
        fields = read_file(file) if file else {}
        message = _message(kind, key, fields | nested(given(kind, parameters)), file)
        _show(_session(), _session().create(kind, message, rehearse=dry_run))

    return _editing("create", run, kind, f"Create a {kind.title} from flags or a file.")


def _update(kind: Kind) -> click.Command:
    def run(key: str, file: Path | None, *, dry_run: bool, **parameters: Any) -> None:
        flat = given(kind, parameters)
        if bool(file) == bool(flat):
            raise Failure("say what to change: either flags or --file", EXIT_INVALID)
        fields = read_file(file) if file else nested(flat)
        message = _message(kind, key, fields, file)
        paths = None if file else [READ_HERE.get(path, path) for path in flat]
        _show(_session(), _session().update(kind, message, paths, rehearse=dry_run))

    summary = f"Change the fields of a {kind.title} that flags name, or all of them from a file."
    return _editing("update", run, kind, summary)


def _editing(name: str, run: Any, kind: Kind, summary: str) -> click.Command:
    file = click.Option(
        FILE, type=click.Path(dir_okay=False, path_type=Path), help="TOML or JSON file."
    )
    dry_run = click.Option(["--dry-run"], is_flag=True, help=DRY_RUN)
    key = _new_key(kind) if name == "create" else _key(kind)
    parameters = [key, file, dry_run, *options(kind)]
    return click.Command(name, callback=run, params=parameters, help=summary)


def _delete(kind: Kind) -> click.Command:
    def run(key: str, etag: str, *, yes: bool) -> None:
        if not yes:
            click.confirm(f"Delete {kind.name(key)}?", abort=True, err=True)
        _session().delete(kind, key, etag)

    return _cutting("delete", run, kind, f"Delete a {kind.title}.")


def _switch(kind: Kind, switch: Switch) -> click.Command:
    def run(key: str, etag: str, *, yes: bool = True) -> None:
        if not yes:
            question = f"{switch.verb.capitalize()} {kind.name(key)}, in force at once?"
            click.confirm(question, abort=True, err=True)
        session = _session()
        message, orders = session.switch(kind, switch.verb, key, etag)
        _show(session, message)
        if orders:
            # Beside the resource, so that whoever reads that finds it as it always was.
            click.echo("\n".join(map(outcome.line, orders)), err=True)
        outcome.end(orders)

    if switch.cuts:
        return _cutting(switch.verb, run, kind, switch.effect)
    parameters = [_key(kind), _etag()]
    return click.Command(switch.verb, callback=run, params=parameters, help=switch.effect)


def _cutting(name: str, run: Any, kind: Kind, summary: str) -> click.Command:
    """Make a command that somebody may regret."""
    yes = click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")
    return click.Command(name, callback=run, params=[_key(kind), _etag(), yes], help=summary)


def _etag() -> click.Option:
    return click.Option(["--etag"], default="", help="Only if this is still its etag.")


def _message(kind: Kind, key: str, fields: dict[str, Any], file: Path | None) -> Any:
    return to_message(kind, key, fields, file.parent if file else Path())


def _session() -> Session:
    return click.get_current_context().ensure_object(Session)


def _show(session: Session, message: Any) -> None:
    if session.output == "json":
        click.echo(to_json(to_fields(message)))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("name", message.name)
    for path, value in content(message).items():
        table.add_row(path, shown(value))
    table.add_row("etag", message.etag)
    session.console.print(table)
