"""The plan: what has to be created and updated for the policy to be as a file says.

* What the file does not name stays as it is.
* A state that the file does not name stays, too: whoever barred a partner by hand does not want
  the next `apply` to let them in again.
* What one resource gives up and another gets is taken from the one first.
* Whether two spellings mean the same only the sidecar knows, so an update that looks like one is
  rehearsed there, and dropped if nothing came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from epcscfctl.failures import EXIT_INVALID, Failure, holder_in
from epcscfctl.kinds import KINDS
from epcscfctl.text import content, to_message


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from epcscfctl.kinds import Kind
    from epcscfctl.session import Session
    from epcscfctl.text import Fields


@dataclass(frozen=True, slots=True)
class Step:
    """One resource to create or update."""

    kind: Kind
    message: Any
    before: Fields
    "By path; empty: it is to be created."
    after: Fields

    @property
    def creates(self) -> bool:
        """Tell whether this is to be created."""
        return not self.before

    def changes(self) -> Iterator[tuple[str, Any, Any]]:
        """Give path, value before and value after of what differs."""
        for path in sorted(self.before.keys() | self.after.keys()):
            before, after = self.before.get(path), self.after.get(path)
            if before != after:
                yield path, before, after


@dataclass(frozen=True, slots=True)
class Contested:
    """A step that cannot be done while another resource has something of it."""

    step: Step
    holder: str
    "Its name; empty: nobody's."
    error: grpc.RpcError


def make_plan(session: Session, wanted: Fields, beside: Path) -> list[Step]:
    """Compare *wanted* with what is stored."""
    _check_tables(wanted)
    steps = [
        step
        for kind in KINDS
        for step in _steps(session, kind, (wanted.get(kind.fields, {}), beside))
    ]
    return _in_turn(*_rehearse_all(session, steps))


def _rehearse_all(session: Session, steps: list[Step]) -> tuple[list[Step], list[Contested]]:
    """Give the steps that can be done as things are, and those that another is in the way of."""
    created = {step.message.name for step in steps if step.creates}
    plan: list[Step] = []
    contested: list[Contested] = []
    for step in steps:
        try:
            rehearsed = _rehearsed(session, step, created)
        except grpc.RpcError as error:
            contested.append(Contested(step, holder_in(error), error))
            continue
        if rehearsed is not None:
            plan.append(rehearsed)
    return plan, contested


def _in_turn(plan: list[Step], contested: list[Contested]) -> list[Step]:
    """Put what takes over from another resource behind the step in which that gives it up.

    Raise the error of the first for which there is no such step.
    """
    places = {step.message.name: 0 for step in plan if not step.creates}
    waiting = list(contested)
    while waiting:
        ready = [each for each in waiting if each.holder in places]
        if not ready:
            raise waiting[0].error
        for each in ready:
            waiting.remove(each)
            places[each.step.message.name] = places[each.holder] + 1
            plan.append(each.step)
    return sorted(
        plan, key=lambda step: (KINDS.index(step.kind), places.get(step.message.name, 0))
    )


def _check_tables(wanted: Fields) -> None:
    known = [kind.fields for kind in KINDS]
    for name, table in wanted.items():
        if name not in known:
            raise Failure(f"[{name}] is none of {', '.join(known)}", EXIT_INVALID)
        if not isinstance(table, dict) or not all(
            isinstance(each, dict) for each in table.values()
        ):
            raise Failure(f"[{name}] must hold a table for each resource", EXIT_INVALID)


def _steps(session: Session, kind: Kind, wanted: tuple[Fields, Path]) -> Iterator[Step]:
    stored = {message.name: message for message in session.every(kind)}
    resources, beside = wanted
    for key, fields in resources.items():
        message = to_message(kind, key, fields, beside)
        step = _step(kind, message, stored.get(message.name))
        if step is not None:
            yield step


def _step(kind: Kind, message: Any, stored: Any) -> Step | None:
    if stored is None:
        return Step(kind, message, {}, content(message))
    if hasattr(message, "state") and not message.state:
        message.state = stored.state
    message.etag = stored.etag
    before, after = content(stored), content(message)
    return None if before == after else Step(kind, message, before, after)


def _rehearsed(session: Session, step: Step, created: set[str]) -> Step | None:
    """Ask the sidecar what would come of *step*, unless it hangs on something yet to be made."""
    named = {name for field in step.kind.references for name in getattr(step.message, field)}
    if named & created:
        return step
    rehearse = session.create if step.creates else session.update
    after = content(rehearse(step.kind, step.message, rehearse=True))
    return None if after == step.before else Step(step.kind, step.message, step.before, after)
