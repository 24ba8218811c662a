"""The judge: gathers the evidence about one REGISTER, lets the domain decide, and records it.

Most tokens can be verified without waiting, because the keys are at hand: `examine_at_once` does
that, and `conclude` makes a judgement of what came out. They are two steps because many REGISTERs
come at once: what verifies signatures and what judges drive each other out of the processor's
caches, so all are examined before the first is concluded. What needs waiting is for `judge`, one
by one, so that a slow key server delays nobody else's.
"""

from __future__ import annotations

import random

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
from epcscfd.ports import (
    Clock,
    Journal,
    PolicySource,
    RevocationSource,
    TokenLedger,
    TokenVerifier,
)


_NAMES = random.Random()  # noqa: S311 - names are no secrets
"Asks the system once, and not for every decision."


def random_decision_id() -> str:
    """Make a name for a decision, short enough to be read out."""
    return f"{_NAMES.getrandbits(48):012x}"


@dataclass(frozen=True, slots=True)
class Examined:
    """A REGISTER whose token has been verified, if it shows one."""

    request: RegisterRequest
    assertion: Assertion | None
    policy: Policy
    "Under which it was verified; to be concluded under the same."
    took: float
    "Seconds so far."


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterJudge:
    """Judges REGISTERs."""

    policies: PolicySource
    verifier: TokenVerifier
    ledger: TokenLedger
    revocations: RevocationSource
    journal: Journal
    clock: Clock
    rules: JudgeRules
    new_decision_id: Callable[[], str] = random_decision_id

    def examine_at_once(self, facts: RegisterFacts) -> Examined | None:
        """Verify the token without waiting. None: that needs to, so ask `judge`."""
        started = self.clock.monotonic()
        request, policy = read_register(facts), self.policies.current()
        if not isinstance(request.credentials, BearerToken):
            return Examined(request, None, policy, self.clock.monotonic() - started)
        assertion = self.verifier.verify_at_once(request.credentials, request.door.wwsf, policy)
        if assertion is None:
            return None
        return Examined(request, assertion, policy, self.clock.monotonic() - started)

    async def judge(self, facts: RegisterFacts) -> Judgement:
        """Judge, fetching what that needs."""
        started = self.clock.monotonic()
        request, policy = read_register(facts), self.policies.current()
        assertion = await self._verify(request, policy)
        # An edit while we waited may have cut off this very token.
        while policy.revision != self.policies.current().revision:
            policy = self.policies.current()
            assertion = await self._verify(request, policy)
        took = self.clock.monotonic() - started
        return self.conclude(Examined(request, assertion, policy, took))

    async def _verify(self, request: RegisterRequest, policy: Policy) -> Assertion | None:
        if not isinstance(request.credentials, BearerToken):
            return None
        return await self.verifier.verify(request.credentials, request.door.wwsf, policy)

    def conclude(self, examined: Examined) -> Judgement:
        """Judge what has been *examined*, at the same turn of the loop."""
        started = self.clock.monotonic()
        request, assertion, policy = examined.request, examined.assertion, examined.policy
        token = assertion if isinstance(assertion, AccessToken) else None
        one_time = token is not None and policy.entities[token.entity].one_time_tokens
        use = self.ledger.use_of(token) if token and one_time else TokenUse.FREE
        # As of now, however long the token took to be verified.
        revoked = self.revocations.current().of_token(token, request.door.wwsf) if token else None
        now = self.clock.now()
        case = Case(request, Evidence(assertion, use, revoked), policy, self.rules, now)
        took = timedelta(seconds=examined.took + self.clock.monotonic() - started)
        judgement = judge_register(case, self.new_decision_id(), took)
        # Only a token that lets through is used up by it: nobody can spend another's by
        # presenting it with the wrong To.
        if token and one_time and judgement.reason is None:
            self.ledger.spend(token, now)
        self.journal.record(judgement)
        return judgement
