"""Registrations: the copy of what stands at edges, and how it follows what they tell.

* An edge is the truth about its registrations; each belongs to one *boot*, one run of one edge.
* What a roll of the same boot lacks has ended, and nobody said why.
* What a boot leaves behind still stands in the core, so it is not over: it ends when the core was
  told, or when nothing that we know of keeps it there any longer.
* Whatever has ended is remembered while its token lives: that token may bring it back.
"""

from __future__ import annotations

import enum
import hashlib

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from epcscfd.domain.policy import WwsfId


KEY_LENGTH = 24
"Hexadecimal digits; two of a billion registrations share a key once in a hundred billion years."


@dataclass(frozen=True, slots=True, order=True)
class Boot:
    """One run of one edge, from its start to its end."""

    node: str
    boot_id: str


class Cause(enum.StrEnum):
    """Why a registration ended. Closed set: also a metric label and a log field."""

    CLIENT = "client"
    "The client de-registered."
    EXPIRED = "expired"
    "It was not renewed."
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - not a secret
    CONNECTION_LOST = "connection_lost"
    "Its connection was lost and did not come back in time."
    REPLACED = "replaced"
    "The same device registered over another connection."
    NETWORK = "network"
    "The core ended it."
    ORDERED = "ordered"
    "We ordered it."
    EDGE_LOST = "edge_lost"
    "The edge was restarted and nobody came back in time."
    UNTOLD = "untold"
    "The edge no longer has it; nobody has heard why."


class State(enum.StrEnum):
    """Where a registration is in its life."""

    STANDS = "stands"
    LEFT = "left"
    "Its edge was restarted; the core still has it."
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A public identity that is registered over one connection."""

    boot: Boot
    id: str
    "Names it at this boot."
    connection: str
    wwsf: WwsfId
    scope: str
    "Of the stamp under which it was let through. Empty: the core authenticated the user."
    impi: str
    impu: str
    "Canonical."
    identities: tuple[str, ...]
    "Public identities that are registered with it."
    subject: str
    token_id: str
    "Digest, or empty."
    token_expires_at: datetime | None
    expires_at: datetime
    "As told last; a renewal within the life of the same token is not told."
    contact: str
    decision_id: str
    local: bool
    "Whether the edge is the registrar: the core knows nothing of it."
    key: str = field(init=False, repr=False, compare=False)
    "Names it among all registrations of all boots."

    def __post_init__(self) -> None:
        # Asked for six times while it is written down, and a digest each time.
        object.__setattr__(self, "key", key_of(self.boot.node, self.boot.boot_id, self.id))

    @property
    def bound(self) -> datetime:
        """When it ends at the latest if nothing more is heard of it."""
        return max(self.expires_at, self.token_expires_at or self.expires_at)

    @property
    def entity(self) -> str:
        """Id of the entity that vouched. Empty: none did."""
        return f"{self.scope}/".split("/")[1]


def key_of(node: str, boot_id: str, id_: str) -> str:
    """Name the registration *id_* of a boot among all."""
    # The lengths keep the parts apart, whatever they contain.
    text = f"{len(node)}:{node}{len(boot_id)}:{boot_id}{id_}"
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True, slots=True)
class Entry:
    """A registration in the copy."""

    registration: Registration
    state: State
    began_at: datetime
    changed_at: datetime
    "When it entered its state."
    roll: int
    "Number of the conversation in which it was told last."
    cause: Cause | None = None
    "Why it ended. None: it has not."

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self.state is State.ENDED


@dataclass(frozen=True, slots=True)
class Stands:
    """An edge tells that *registration* stands."""

    registration: Registration
    roll: int

    @property
    def key(self) -> str:
        """Of the registration."""
        return self.registration.key


@dataclass(frozen=True, slots=True)
class Gone:
    """A registration has ended."""

    key: str
    cause: Cause


Change = Stands | Gone


@dataclass(frozen=True, slots=True)
class Joined:
    """An edge has said hello: what its earlier boots had is left behind."""

    boot: Boot
    roll: int
    "Of this conversation; differs from that of any other."


@dataclass(frozen=True, slots=True)
class RollEnded:
    """An edge has told all that stands there."""

    boot: Boot
    roll: int


Told = Joined | RollEnded | Change
"What conversations bring, in order."


def runs_of(
    told: Iterable[Told], longest: int
) -> Iterator[Joined | RollEnded | tuple[Change, ...]]:
    """Give *told* in its order, with the changes in between gathered, at most *longest* each."""
    run: list[Change] = []
    for each in told:
        if isinstance(each, Stands | Gone):
            run.append(each)
        if run and (len(run) == longest or not isinstance(each, Stands | Gone)):
            yield tuple(run)
            run = []
        if isinstance(each, Joined | RollEnded):
            yield each
    if run:
        yield tuple(run)


@dataclass(frozen=True, slots=True)
class Step:
    """What one change made of one registration."""

    before: Entry | None
    after: Entry | None

    @property
    def began(self) -> bool:
        """Tell whether a registration has begun by it."""
        return _is_alive(self.after) and not _is_alive(self.before)

    @property
    def ended(self) -> bool:
        """Tell whether a registration has ended by it."""
        return _is_alive(self.before) and not _is_alive(self.after)


def advance(current: Entry | None, change: Change, now: datetime) -> Entry | None:
    """Give the entry after *change*. What is unknown or over cannot end."""
    if current is None or current.is_over:
        if isinstance(change, Gone):
            return current
        return Entry(change.registration, State.STANDS, now, now, change.roll)
    if isinstance(change, Gone):
        return replace(current, state=State.ENDED, changed_at=now, cause=change.cause)
    return replace(current, registration=change.registration, roll=change.roll)


def steps_of(
    entries: dict[str, Entry], changes: Iterable[Change], now: datetime
) -> tuple[Step, ...]:
    """Apply *changes* in their order to *entries*, which are replaced; give each step."""
    steps = []
    for change in changes:
        before = entries.get(change.key)
        after = advance(before, change, now)
        if after is not None:
            entries[change.key] = after
        steps.append(Step(before, after))
    return tuple(steps)


def _is_alive(entry: Entry | None) -> bool:
    return entry is not None and not entry.is_over
