"""Releases: identities that are no longer registered anywhere (TS 23.228 U.2.1.4).

* An identity is released when the last registration of its IMPI and IMPU has ended, over all
  devices and edges. What an edge left behind in the core still counts.
* A token by which it was registered may bring it back as long as it lives. Until then a pool must
  not lend it to anybody else, and the release says so.
* Users whom the core authenticated have identities of their own: nobody lends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Cause, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An identity is no longer registered."""

    time: datetime
    wwsf: WwsfId
    impi: str
    impu: str
    cause: Cause
    may_return_until: datetime | None
    "Until when a token that registered it is alive. None: none is."


@dataclass(frozen=True, slots=True)
class Event:
    """A release that is kept."""

    stream: str
    "Of the database that counts them."
    sequence: int
    release: Release

    @property
    def id(self) -> str:
        """The same whenever it is delivered."""
        return f"{self.stream}-{self.sequence}"


Pair = tuple[str, str]
"IMPI and IMPU."


def pair_of(entry: Entry) -> Pair:
    """Give whose registration *entry* is."""
    return entry.registration.impi, entry.registration.impu


def releases(
    ended: Iterable[Entry],
    of_pairs: Iterable[Entry],
    is_revoked: Callable[[Entry], bool],
    now: datetime,
) -> tuple[Release, ...]:
    """Give what is released by what *ended*; *of_pairs* is all there is of the same pairs."""
    standing: set[Pair] = set()
    until: dict[Pair, datetime] = {}
    for entry in of_pairs:
        pair, end = pair_of(entry), entry.registration.token_expires_at
        if not entry.is_over:
            standing.add(pair)
        elif end is not None and end > now and not is_revoked(entry):
            until[pair] = max(end, until.get(pair, end))
    last = {pair_of(entry): entry for entry in ended if entry.registration.scope}
    return tuple(
        Release(
            time=now,
            wwsf=entry.registration.wwsf,
            impi=pair[0],
            impu=pair[1],
            cause=entry.cause or Cause.UNTOLD,
            may_return_until=until.get(pair),
        )
        for pair, entry in last.items()
        if pair not in standing
    )
