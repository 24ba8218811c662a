"""Ports: what judging needs from the world.

Adapters implement them, `main` joins them. None of them waits, but for `verify`.
"""

from __future__ import annotations

import enum

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from epcscfd.domain.block import Blocks
from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.judgement import Judgement
from epcscfd.domain.policy import Policy, WwsfId
from epcscfd.domain.reasons import Reason
from epcscfd.domain.revocation import Revocations
from epcscfd.domain.token import AccessToken, Assertion, TokenUse


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """Tell the wall-clock time, in UTC. For what others have dated."""
        ...

    def monotonic(self) -> float:
        """Tell seconds since some moment. For lives and pauses."""
        ...


class PolicySource(Protocol):
    """Where the policy in force is."""

    def current(self) -> Policy:
        """Give the latest good snapshot. Never blocks. Raises Unavailable if there is none."""
        ...


class Journal(Protocol):
    """Where judgements are written down."""

    def record(self, judgement: Judgement) -> None:
        """Write down *judgement*. Never blocks, never fails."""
        ...


Opened = Callable[[], Assertion]
"A token, and all that it takes to verify it: vouches for it when called, or says why not."


class TokenVerifier(Protocol):
    """Who vouches that a token was made by an authorization entity."""

    def open_at_once(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Opened | None:
        """Open *token* of a user of *wwsf*, to be verified soon. None: that takes waiting."""
        ...

    async def verify(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Assertion:
        """Vouch for *token* of a user of *wwsf*, or say why not, waiting for what that needs."""
        ...


class RevocationSource(Protocol):
    """Where word of revoked tokens is."""

    def current(self) -> Revocations:
        """Give all that are known. Never blocks."""
        ...


class BlockSource(Protocol):
    """Where word of registered blocks is."""

    def current(self) -> Blocks:
        """Give all that are known. Never blocks."""
        ...


class TokenLedger(Protocol):
    """Which one-time tokens have been used."""

    def use_of(self, token: AccessToken) -> TokenUse:
        """Tell whether *token* has been spent, or cannot be kept track of."""
        ...

    def spend(self, token: AccessToken, now: datetime) -> None:
        """Remember that *token* has been used, until it dies by itself."""
        ...


class KeyFetch(enum.StrEnum):
    """How a fetch of keys ended. Closed set: a metric label."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    "The server said 304."
    FAILED = "failed"
    REFUSED = "refused"
    "It answered with something that is no acceptable key set."


class KeyWatch(Protocol):
    """Who is told how fetches of keys end."""

    def keys_fetched(self, source: str, outcome: KeyFetch, why: str) -> None:
        """Note that a fetch from *source* (URL or path) ended so; *why* is for people."""
        ...


class IntrospectionOutcome(enum.StrEnum):
    """How a question about a token ended. Closed set: a metric label."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    "Or good for nothing here."
    UNREACHABLE = "unreachable"
    "There was no answer, or none that says anything."
    REFUSED = "refused"
    "The server does not accept who we are."


class IntrospectionWatch(Protocol):
    """Who is told how questions about tokens end."""

    def introspected(self, entity: str, outcome: IntrospectionOutcome, why: str) -> None:
        """Note that *entity* was asked and it ended so; *why* is for people."""
        ...


class VerificationWatch(Protocol):
    """Who is told how verifications of tokens end."""

    def token_verified(self, method: str, reason: Reason | None) -> None:
        """Note that a token was verified by *method*. None: it is good."""
        ...


class TokenWatch(KeyWatch, IntrospectionWatch, VerificationWatch, Protocol):
    """Who is told all of it."""
