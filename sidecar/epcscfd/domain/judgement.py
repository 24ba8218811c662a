"""Judgements: a decision, how it is told, for how long it holds, and what is written down.

* A verdict that lets through holds no longer than the token lives.
* A refusal holds only if it follows from the request and the policy, and then briefly.
* What an entity has said when asked holds no longer than that word, a refusal not at all.
* One-time tokens get judgements that hold for one request.
* Nothing here contains the token; of its claims only what identifies the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from epcscfd.domain.case import Case
from epcscfd.domain.challenge import challenges_for, realm_for
from epcscfd.domain.decide import CheckOutcome, conclude, explain_register
from epcscfd.domain.edge import Stamp, block_stamp, stamp_for
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import EntityId
from epcscfd.domain.reasons import Connection, Reason
from epcscfd.domain.register import Accept, Decision, Door, Forward, Reject
from epcscfd.domain.replies import REPLIES, Lasting
from epcscfd.domain.rules import CloseOnReject
from epcscfd.domain.token import AccessToken, Assertion, TokenFault


LONGEST_QUOTE = 128
"Characters of what the WIC sent that are worth writing down."

_AT_ONCE = timedelta(0)
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the WIC is answered."""

    status: int
    phrase: str
    challenges: tuple[str, ...]
    "Values of WWW-Authenticate, in order."
    retry_after: timedelta
    "Zero: no such header."
    connection: Connection


@dataclass(frozen=True, slots=True)
class Judgement:
    """One REGISTER, judged. Holds no part of the token but `jti`."""

    decision_id: str
    time: datetime
    took: timedelta
    decision: Decision
    reply: Refusal | None
    "None: it is let through."
    keep: timedelta
    "For how long the edge may apply it to equal requests. Zero: to this one only."
    stamp: Stamp | None
    "Under which it was given. None: a refusal, which dies with the revision."
    revision: int
    door: Door
    to: str
    "As received, shortened."
    call_id: str
    "As received, shortened."
    entity: EntityId | None
    "Who vouches, or is said to."
    impi: Impi | None
    impu: Impu | None
    "To in canonical form, if it has one."
    token_id: str
    "`jti` of a verified token, or empty."
    checks: tuple[CheckOutcome, ...]
    "In order, up to and with the one that failed."
    detail: str
    "What exactly was found, for the operator. Empty: the reason says all."

    @property
    def ending(self) -> str:
        """How it ends: `forward`, `accept` or `refuse`. A metric label and a log field."""
        match self.decision:
            case Forward():
                return "forward"
            case Accept():
                return "accept"
            case Reject():
                return "refuse"

    @property
    def reason(self) -> Reason | None:
        """Why it was refused. None: it was not."""
        return self.checks[-1].reason


def judge_register(case: Case, decision_id: str, took: timedelta) -> Judgement:
    """Judge *case*; gathering its evidence *took* so long."""
    checks = explain_register(case)
    decision = conclude(case, checks)
    facts = case.request.facts
    assertion = case.evidence.assertion
    token = assertion if isinstance(assertion, AccessToken) else None
    return Judgement(
        decision_id=decision_id,
        time=case.now,
        took=took,
        decision=decision,
        reply=_refusal(case, decision.reason) if isinstance(decision, Reject) else None,
        keep=_keep(case, decision),
        stamp=None if isinstance(decision, Reject) else _stamp(case),
        revision=case.policy.revision,
        door=facts.door,
        to=facts.to[:LONGEST_QUOTE],
        call_id=facts.call_id[:LONGEST_QUOTE],
        entity=assertion.entity if assertion else None,
        impi=token.impi if token else None,
        impu=case.request.to,
        token_id=token.token_id if token else "",
        checks=checks,
        detail=_detail(case),
    )


def _detail(case: Case) -> str:
    assertion, revocation = case.evidence.assertion, case.evidence.revocation
    if isinstance(assertion, TokenFault):
        return assertion.detail
    if revocation is None:
        return ""
    return f"revocations/{revocation.id}, by {revocation.whom}, {revocation.note or 'no note'}"


def _stamp(case: Case) -> Stamp:
    stamp = stamp_for(case.wwsf, case.entity, case.policy)
    block = case.registered_block if case.range_of_block else None
    return block_stamp(stamp, block) if block else stamp


def _keep(case: Case, decision: Decision) -> timedelta:
    assertion = case.evidence.assertion
    one_time = isinstance(assertion, AccessToken) and case.entity.one_time_tokens
    if one_time:
        return _AT_ONCE
    if isinstance(decision, Reject):
        kept = REPLIES[decision.reason].lasting is Lasting.KEPT and not _is_hearsay(assertion)
        return case.rules.refusal_life if kept else _AT_ONCE
    holds_until = decision.grant.token_expires_at
    if isinstance(assertion, AccessToken) and assertion.confirmed_until is not None:
        holds_until = min(holds_until, assertion.confirmed_until)
    return max(_AT_ONCE, min(case.rules.verdict_life, holds_until - case.now))


def _is_hearsay(assertion: Assertion | None) -> bool:
    """Tell whether the next answer about the token may be another."""
    match assertion:
        case AccessToken():
            return assertion.confirmed_until is not None
        case TokenFault():
            return assertion.introspected
        case None:
            return False


def _refusal(case: Case, reason: Reason) -> Refusal:
    answer = REPLIES[reason].answer
    connection = answer.connection
    # Our own troubles are no fault of the token, however strict the operator is.
    if case.rules.close_on_reject is CloseOnReject.STRICT and answer.status < _SERVER_ERROR:
        connection = Connection.CLOSE
    challenges: tuple[str, ...] = ()
    wwsf = case.policy.wwsfs.get(case.request.door.wwsf)
    if wwsf:
        realm = realm_for(case.request, case.policy, case.rules)
        challenges = challenges_for(wwsf, realm, answer.challenge, case.policy)
    retry_after = case.rules.overload_pause if reason is Reason.OVERLOADED else _AT_ONCE
    return Refusal(answer.status, answer.phrase, challenges, retry_after, connection)
