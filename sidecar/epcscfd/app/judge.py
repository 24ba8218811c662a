"""The judge: gathers the evidence about one REGISTER, lets the domain decide, and records it.

Most verdicts need no waiting, because the keys are at hand: `judge_at_once` gives those. The
others are for `judge`, one by one, so that a slow key server delays nobody else's.
"""

from __future__ import annotations

import secrets

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from epcscfd.domain.case import Case, Evidence
from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.judgement import Judgement, judge_register
from epcscfd.domain.policy import Policy
from epcscfd.domain.register import RegisterFacts, RegisterRequest, read_register
from epcscfd.domain.rules import JudgeRules
from epcscfd.domain.token import AccessToken, Assertion, TokenUse
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
        started = self.clock.monotonic()
        request, policy = read_register(facts), self.policies.current()
        if not isinstance(request.credentials, BearerToken):
            return self._conclude(request, None, policy, started)
        assertion = self.verifier.verify_at_once(request.credentials, policy)
        return self._conclude(request, assertion, policy, started) if assertion else None

    async def judge(self, facts: RegisterFacts) -> Judgement:
        """Judge, fetching what that needs."""
        started = self.clock.monotonic()
        request, policy = read_register(facts), self.policies.current()
        if not isinstance(request.credentials, BearerToken):
            return self._conclude(request, None, policy, started)
        assertion = await self.verifier.verify(request.credentials, policy)
        # An edit while we waited may have cut off this very token.
        while policy.revision != self.policies.current().revision:
            policy = self.policies.current()
            assertion = await self.verifier.verify(request.credentials, policy)
        return self._conclude(request, assertion, policy, started)

    def _conclude(
        self,
        request: RegisterRequest,
        assertion: Assertion | None,
        policy: Policy,
        started: float,
    ) -> Judgement:
        token = assertion if isinstance(assertion, AccessToken) else None
        one_time = token is not None and policy.entities[token.entity].one_time_tokens
        use = self.ledger.use_of(token) if token and one_time else TokenUse.FREE
        now = self.clock.now()
        case = Case(request, Evidence(assertion, use), policy, self.rules, now)
        took = timedelta(seconds=self.clock.monotonic() - started)
        judgement = judge_register(case, self.new_decision_id(), took)
        # Only a token that lets through is used up by it: nobody can spend another's by
        # presenting it with the wrong To.
        if token and one_time and judgement.reason is None:
            self.ledger.spend(token, now)
        self.journal.record(judgement)
        return judgement
