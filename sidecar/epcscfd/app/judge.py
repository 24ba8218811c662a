"""The judge: gathers the evidence about one REGISTER, lets the domain decide, and records it.

Most tokens can be verified without waiting, because the keys are at hand; and many REGISTERs come
at once. `judge_at_once` takes all of them through one step before the first goes through the next:
what reads, verifies, decides and writes down would drive each other out of the processor's caches,
which is a third of the time of a judgement. What needs waiting is for `judge`, one by one, so that
a slow key server delays nobody else's.
"""

from __future__ import annotations

import random

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from epcscfd.domain.case import Case, Evidence
from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.judgement import Judgement, judge_register
from epcscfd.domain.policy import Policy
from epcscfd.domain.register import RegisterFacts, RegisterRequest, read_register
from epcscfd.domain.rules import JudgeRules
from epcscfd.domain.token import AccessToken, Assertion, TokenUse
from epcscfd.ports import (
    BlockSource,
    Clock,
    Journal,
    Opened,
    PolicySource,
    RevocationSource,
    TokenLedger,
    TokenVerifier,
)


_Before = TypeVar("_Before")
_After = TypeVar("_After")

_NAMES = random.Random()  # noqa: S311 - names are no secrets
"Asks the system once, and not for every decision."


def random_decision_id() -> str:
    """Make a name for a decision, short enough to be read out."""
    return f"{_NAMES.getrandbits(48):012x}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A REGISTER whose token can be verified, if it shows one."""

    request: RegisterRequest
    opened: Opened | None
    policy: Policy
    "Under which it was opened; to be concluded under the same."
    took: float
    "Seconds so far."


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
    blocks: BlockSource
    journal: Journal
    clock: Clock
    rules: JudgeRules
    new_decision_id: Callable[[], str] = random_decision_id

    def judge_at_once(self, asked: Sequence[RegisterFacts]) -> list[Judgement | Exception | None]:
        """Judge what needs no waiting; give for each of *asked* what came of it, in order.

        None: it needs waiting, so ask `judge`. An exception: this one broke the judge.
        """
        begun = [_tried(self._begin, each) for each in asked]
        examined = [_tried(self._examine, each) for each in begun]
        judged = [_tried(self._conclude, each) for each in examined]
        return [_tried(self._write_down, each) for each in judged]

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
        return self._write_down(self._conclude(Examined(request, assertion, policy, took)))

    async def _verify(self, request: RegisterRequest, policy: Policy) -> Assertion | None:
        if not isinstance(request.credentials, BearerToken):
            return None
        return await self.verifier.verify(request.credentials, request.door.wwsf, policy)

    def _begin(self, facts: RegisterFacts) -> Begun | None:
        started = self.clock.monotonic()
        request, policy = read_register(facts), self.policies.current()
        opened = None
        if isinstance(request.credentials, BearerToken):
            opened = self.verifier.open_at_once(request.credentials, request.door.wwsf, policy)
            if opened is None:
                return None
        return Begun(request, opened, policy, self.clock.monotonic() - started)

    def _examine(self, begun: Begun) -> Examined:
        started = self.clock.monotonic()
        assertion = begun.opened() if begun.opened else None
        took = begun.took + self.clock.monotonic() - started
        return Examined(begun.request, assertion, begun.policy, took)

    def _conclude(self, examined: Examined) -> Judgement:
        started = self.clock.monotonic()
        request, assertion, policy = examined.request, examined.assertion, examined.policy
        token = assertion if isinstance(assertion, AccessToken) else None
        one_time = token is not None and policy.entities[token.entity].one_time_tokens
        use = self.ledger.use_of(token) if token and one_time else TokenUse.FREE
        # As of now, however long the token took to be verified.
        revoked = self.revocations.current().of_token(token, request.door.wwsf) if token else None
        now = self.clock.now()
        evidence = Evidence(assertion, use, revoked)
        case = Case(request, evidence, policy, self.rules, now, self.blocks.current())
        took = timedelta(seconds=examined.took + self.clock.monotonic() - started)
        judgement = judge_register(case, self.new_decision_id(), took)
        # Only a token that lets through is used up by it: nobody can spend another's by
        # presenting it with the wrong To.
        if token and one_time and judgement.reason is None:
            self.ledger.spend(token, now)
        return judgement

    def _write_down(self, judgement: Judgement) -> Judgement:
        self.journal.record(judgement)
        return judgement


def _tried(
    step: Callable[[_Before], _After | None], before: _Before | Exception | None
) -> _After | Exception | None:
    """Take one more step, unless there is nothing to take it with."""
    if before is None or isinstance(before, Exception):
        return before
    try:
        return step(before)
    except Exception as error:  # noqa: BLE001 - whatever breaks, breaks one question
        return error
