"""The judge: gathers the evidence about one REGISTER, lets the domain decide, and records it."""

from __future__ import annotations

import secrets

from collections.abc import Callable
from dataclasses import dataclass

from epcscfd.domain.judgement import Judgement
from epcscfd.domain.register import RegisterFacts
from epcscfd.domain.rules import JudgeRules
from epcscfd.ports import Clock, Journal, PolicySource, TokenLedger, TokenVerifier


def random_decision_id() -> str:
    """Make a name for a decision, short enough to be read out."""
    return secrets.token_hex(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterJudge:
    """Judges REGISTERs."""

    policies: PolicySource
    verifier: TokenVerifier
    ledger: TokenLedger
    journal: Journal
    clock: Clock
    rules: JudgeRules
    new_decision_id: Callable[[], str] = random_decision_id

    def judge_at_once(self, facts: RegisterFacts) -> Judgement | None:
        """Judge without waiting. None: a key must be fetched first, so ask `judge`."""
        raise NotImplementedError

    async def judge(self, facts: RegisterFacts) -> Judgement:
        """Judge, fetching what that needs."""
        raise NotImplementedError
