"""Blocks: ranges that a web server registers for all of its users at once (RFC 6140).

* A block is one WWSF's. Its *pilot* is the one distinct identity of it: only distinct identities
  are registered explicitly (TS 23.228 4.3.3.2b), and what lies in the ranges goes with it.
* Which ranges are the block's says the mode of each. While the block is registered, their
  identities are registered at the edge; while it is not, nobody's is.
* The edge that the web server registers at knows first, and tells. What it has told is kept here
  and told to all edges, so that it outlives each of them.
"""

from __future__ import annotations

import enum
import hashlib

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from epcscfd.domain.identity import Impi, Impu


if TYPE_CHECKING:
    from epcscfd.domain.policy import Wwsf, WwsfId
    from epcscfd.domain.registration import Cause


class BlockMode(enum.StrEnum):
    """Who authenticates the web server, and what its REGISTER does."""

    STATIC = "static"
    "The edge does. The core has the ranges by configuration and hears nothing."
    REGISTRATION = "registration"
    "The core does: it registers the pilot, and with it the ranges."


@dataclass(frozen=True, slots=True)
class Block:
    """How a web server registers the block of a WWSF."""

    pilot: Impu
    impi: Impi
    mode: BlockMode
    client_certificates: frozenset[str] = frozenset()
    "SHA-256 of the DER form, lower-case hex: it shows one of these, if there are any."
    addresses: frozenset[str] = frozenset()
    "Networks (CIDR): it comes out of one of these, if there are any."
    ha1: str = field(default="", repr=False)
    """SHA-256 of `IMPI:realm:password`, lower-case hex (RFC 8760); of account in static mode.
    Empty: none was set, and nobody can register the block."""

    @property
    def account(self) -> str:
        """What a registration is of: with another one, it is none of this block."""
        return f"{self.mode}:{self.impi}:{self.pilot}"

    def has_credentials_of(self, other: Block) -> bool:
        """Tell whether a password of one is one of the *other*: for the same IMPI and realm."""
        return self.impi == other.impi and self.pilot.domain == other.pilot.domain


@dataclass(frozen=True, slots=True)
class BlockNews:
    """What an edge tells of a block."""

    wwsf: WwsfId
    account: str
    "Of the block that was registered."
    told_at: int
    "When it happened, in microseconds since 1970; of two, the later one counts."
    until: datetime | None
    "When the registration ends. None: it has ended."
    cause: Cause | None = None
    "Why, if it has ended."
    confirmed: frozenset[str] | None = None
    "Ranges that the core says are registered with the pilot. None: it has not said."


@dataclass(frozen=True, slots=True)
class BlockState:
    """What is known of the registration of a block."""

    account: str
    told_at: int
    "Of the news that said so."
    until: datetime | None
    "None: it is not registered."
    begun_at: int = 0
    "Of the news that it is registered; tells one registration from the next."
    confirmed: frozenset[str] | None = None
    "Ranges that the core has confirmed. None: it has not said."

    def after(self, news: BlockNews, now: datetime) -> BlockState:
        """Give what is known once *news* is heard."""
        stands = self.until is not None and self.until > now and self.account == news.account
        confirmed = news.confirmed
        if confirmed is None and stands:
            confirmed = self.confirmed
        return BlockState(
            account=news.account,
            told_at=news.told_at,
            until=news.until,
            begun_at=self.begun_at if stands else news.told_at,
            confirmed=confirmed if news.until else None,
        )


NOT_REGISTERED = BlockState(account="", told_at=0, until=None)


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is known of all blocks. An immutable snapshot, replaced whole."""

    each: Mapping[WwsfId, BlockState] = field(default_factory=dict)

    def told_of(self, wwsf: Wwsf) -> BlockState | None:
        """Give the registration of the block of *wwsf* that edges have told of, over or not."""
        state = self.each.get(wwsf.id)
        if state is None or wwsf.block is None or state.account != wwsf.block.account:
            return None
        return None if state.until is None else state

    def registration_of(self, wwsf: Wwsf, now: datetime) -> BlockState | None:
        """Give the registration of the block of *wwsf*, if it stands."""
        state = self.told_of(wwsf)
        return state if state and state.until and state.until > now else None

    def holds(self, wwsf: Wwsf, text: str, now: datetime) -> bool:
        """Tell whether the range *text* of *wwsf* is registered with its block."""
        return self.registration_of(wwsf, now) is not None and self.has(wwsf, text)

    def has(self, wwsf: Wwsf, text: str) -> bool:
        """Tell whether the range *text* is registered, as far as edges have told."""
        state = self.told_of(wwsf)
        if state is None:
            return False
        # A core that reports less than was provisioned: ranges are compared to the letter.
        return state.confirmed is None or text in state.confirmed

    def heard(self, news: BlockNews, now: datetime) -> Blocks:
        """Give what is known once *news* is heard; the same, if it is older than what is known."""
        before = self.each.get(news.wwsf, NOT_REGISTERED)
        if news.told_at <= before.told_at:
            return self
        return Blocks({**self.each, news.wwsf: before.after(news, now)})


NO_BLOCKS = Blocks()


def ha1_of(impi: Impi, realm: str, password: str) -> str:
    """Give what is kept of a password (RFC 7616 3.4.2, RFC 8760), in lower-case hex."""
    return hashlib.sha256(f"{impi}:{realm}:{password}".encode()).hexdigest()


def block_scope(scope: str) -> str:
    """Name the judgements of *scope* (WWSF and entity) that hang on the block of the WWSF."""
    return f"{scope}/block"


def unconfirmed(wwsf: Wwsf, state: BlockState) -> Iterator[str]:
    """Give the ranges of the block that the core has left out of those it has confirmed."""
    if state.confirmed is not None:
        yield from sorted(set(wwsf.block_ranges) - state.confirmed)
