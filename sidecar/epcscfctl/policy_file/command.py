"""The command `apply`."""

from __future__ import annotations

import sys

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rich.text import Text

from epcscfctl.failures import Failure
from epcscfctl.policy_file.plan import make_plan
from epcscfctl.session import Session, pass_session
from epcscfctl.text import read_file, shown, to_json


if TYPE_CHECKING:
    from epcscfctl.policy_file.plan import Step

LONGEST_LIST = 10
"Members of a list that a diff shows; of a pool of thousands nobody reads more."


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_session
def apply(session: Session, file: Path, *, dry_run: bool, yes: bool) -> None:
    """Make the policy as FILE says: create and update what differs, delete nothing."""
    plan = make_plan(session, read_file(file), file.parent)
    _show(session, plan)
    if dry_run or not plan:
        return
    if not yes:
        _confirm(plan)
    for step in plan:
        change = session.create if step.creates else session.update
        change(step.kind, step.message)
    if session.output == "table":
        session.console.print(f"applied: {_summary(plan)}")


def _confirm(plan: list[Step]) -> None:
    if not sys.stdin.isatty():
        raise Failure("nobody there to ask: repeat with --yes or --dry-run")
    click.confirm(f"Apply this ({_summary(plan)})?", abort=True, err=True)


def _summary(plan: list[Step]) -> str:
    creates = sum(step.creates for step in plan)
    return f"{creates} to create, {len(plan) - creates} to update"


def _show(session: Session, plan: list[Step]) -> None:
    if session.output == "json":
        click.echo(to_json([_as_fields(step) for step in plan]))
        return
    if not plan:
        session.console.print("nothing to do: the policy is as the file says")
    for step in plan:
        _show_step(session, step)


def _show_step(session: Session, step: Step) -> None:
    sign, style = ("+", "green") if step.creates else ("~", "yellow")
    session.console.print(Text(f"{sign} {step.message.name}", style))
    for path, before, after in step.changes():
        for sign, value in _differences(before, after):
            style = "red" if sign == "-" else "green"
            session.console.print(Text(f"    {sign} {path}: {value}", style))


def _as_fields(step: Step) -> dict[str, Any]:
    return {
        "name": step.message.name,
        "change": "create" if step.creates else "update",
        "fields": {
            path: {"before": before, "after": after} for path, before, after in step.changes()
        },
    }


def _differences(before: Any, after: Any) -> list[tuple[str, Any]]:
    """Give what goes and what comes, members of lists one by one."""
    if isinstance(before or after, list):
        old, new = (set(map(shown, members or ())) for members in (before, after))
        return _members("-", old - new) + _members("+", new - old)
    return [(sign, value) for sign, value in (("-", before), ("+", after)) if value is not None]


def _members(sign: str, members: set[Any]) -> list[tuple[str, Any]]:
    first = [(sign, member) for member in sorted(members)[:LONGEST_LIST]]
    more = len(members) - len(first)
    return [*first, (sign, f"… and {more} more")] if more else first
