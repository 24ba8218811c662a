"""Ports that remember what they were told, and tell what they were given."""

from __future__ import annotations

from epcscfd.domain.block import Blocks
from epcscfd.domain.judgement import Judgement
from epcscfd.domain.policy import Policy
from epcscfd.domain.reasons import Reason
from epcscfd.domain.revocation import Revocations
from epcscfd.ports import IntrospectionOutcome, KeyFetch


class MemoryPolicySource:
    """Gives the policy that it was given last."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def current(self) -> Policy:
        """Give it."""
        return self.policy


class MemoryJournal:
    """Remembers judgements."""

    def __init__(self) -> None:
        self.judgements: list[Judgement] = []

    def record(self, judgement: Judgement) -> None:
        """Remember one."""
        self.judgements.append(judgement)


class MemoryRevocations:
    """Knows what it was told is revoked."""

    def __init__(self) -> None:
        self.known = Revocations()

    def current(self) -> Revocations:
        """Give it."""
        return self.known


class MemoryBlocks:
    """Knows of the blocks that it was told of."""

    def __init__(self) -> None:
        self.known = Blocks()

    def current(self) -> Blocks:
        """Give it."""
        return self.known


class MemoryKeyWatch:
    """Remembers how fetches ended."""

    def __init__(self) -> None:
        self.fetches: list[tuple[str, KeyFetch, str]] = []

    def keys_fetched(self, source: str, outcome: KeyFetch, why: str) -> None:
        """Remember one."""
        self.fetches.append((source, outcome, why))

    @property
    def outcomes(self) -> list[KeyFetch]:
        """How they ended, in order."""
        return [outcome for _, outcome, _ in self.fetches]


class MemoryTokenWatch(MemoryKeyWatch):
    """Remembers how questions and verifications ended, too."""

    def __init__(self) -> None:
        super().__init__()
        self.introspections: list[tuple[str, IntrospectionOutcome, str]] = []
        self.verifications: list[tuple[str, Reason | None]] = []

    def introspected(self, entity: str, outcome: IntrospectionOutcome, why: str) -> None:
        """Remember one."""
        self.introspections.append((entity, outcome, why))

    def token_verified(self, method: str, reason: Reason | None) -> None:
        """Remember one."""
        self.verifications.append((method, reason))
