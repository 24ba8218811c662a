"""What a lease is, and how long it keeps others away. Pure: time is an argument.

A pair of the pool is in one row for ever. Three things are known about it: whose it is, until
when it is held, and from when on somebody else may have it. So nothing has to be swept: a pair
whose time has passed *is* free, also after a crash.

    reserve ──────────► confirm ─────────► give back, or the end of its last token
    (token is being     (a token is out)   │
     asked for)                            └─ quarantine ──► free

Between a reservation and its confirmation no token has left the house. If we die there, the
pair is free again when the reservation ends, and whoever still believes to hold it finds its
confirmation refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pair:
    """An IMS account of the WWSF: one IMPI, and the IMPUs that belong to it."""

    impi: str
    impus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """A pair in the hands of one user."""

    id: str
    "Names this loan of the pair; the next has another."
    pair: Pair
    holder: str
    "Says nothing about the user to anybody else (TS 33.203 X.4, no linkage)."
    held_until: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long a pair stays with somebody."""

    reservation: timedelta = timedelta(seconds=60)
    "Longer than a request for a token may take."
    after_token: timedelta = timedelta(seconds=60)
    "A registration ends with its token; this is for clocks that differ and for the core."
    quarantine: timedelta = timedelta(seconds=30)
    "Calls that were on their way to the last user must not reach the next."

    @classmethod
    def of(cls, reservation: int, after_token: int, quarantine: int) -> Terms:
        """Make terms of seconds."""
        return cls(*(timedelta(seconds=each) for each in (reservation, after_token, quarantine)))

    def reserved_until(self, now: datetime) -> datetime:
        """Tell how long a reservation holds that is made *now*."""
        return now + self.reservation

    def held_until(self, token_expires_at: datetime) -> datetime:
        """Tell how long the pair is held for whoever has a token that dies then."""
        return token_expires_at + self.after_token

    def free_at(self, ended_at: datetime) -> datetime:
        """Tell when the next may have a pair whose lease ends then."""
        return ended_at + self.quarantine


class PoolExhausted(Exception):  # noqa: N818 - it is the name of what happened
    """No pair is free (S003-1)."""

    def __init__(self, free_in: timedelta | None) -> None:
        super().__init__("no identity is free")
        self.free_in = free_in
        "Until the first pair may be free again; None: the pool is empty."
