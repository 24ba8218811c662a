"""Deciding: run the checks over a case, and say how it ends if all hold."""

from __future__ import annotations

from dataclasses import dataclass

from epcscfd.domain.case import Case
from epcscfd.domain.challenge import challenge_for
from epcscfd.domain.checks import CHECKS
from epcscfd.domain.header import addressed
from epcscfd.domain.ownership import ProofBy, Proven
from epcscfd.domain.policy import Location
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Accept, Decision, Forward, Grant, Reject
from epcscfd.domain.replies import Challenge
from epcscfd.domain.tna import (
    charging_parameters,
    request_uri,
    tna_authorization,
    visited_network_id,
)


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One check of one case."""

    name: str
    clause: str
    "Clause that asks for it."
    reason: Reason | None
    "None: passed."


_PASSED = tuple(CheckOutcome(check.name, check.clause, None) for check in CHECKS)


def explain_register(case: Case) -> tuple[CheckOutcome, ...]:
    """Run the checks in their order, up to and with the first that fails."""
    for position, check in enumerate(CHECKS):
        reason = check.judge(case)
        if reason:
            return (*_PASSED[:position], CheckOutcome(check.name, check.clause, reason))
    return _PASSED


def decide_register(case: Case) -> Decision:
    """Decide what the edge does with the REGISTER."""
    return conclude(case, explain_register(case))


def conclude(case: Case, outcomes: tuple[CheckOutcome, ...]) -> Decision:
    """Decide by the *outcomes* of all checks of *case*."""
    reason = outcomes[-1].reason
    if reason:
        return Reject(reason)
    match case.ownership:
        # Static mode, whoever issued the token: the range is registered, and no UAR for a
        # wildcarded identity could succeed (TS 29.228 6.1.1.1).
        case Proven(by=ProofBy.RANGE):
            return _accept(case)
        case _:
            return _forward(case)


def entity_for_core(case: Case) -> str | None:
    """Give the authorization entity that the S-CSCF has to check. None: it has none to check."""
    # TS 33.203 X.3.2.3 step 5.1: the operator's WAF controls the WWSF itself.
    if case.entity.location is Location.OPERATOR:
        return None
    # TS 33.203 X.4.2.3 step 5.2: pool membership has been verified here.
    if case.ownership == Proven(ProofBy.POOL):
        return None
    # TS 33.203 X.3.2.3 step 5.2: a third party's word on an individual subscription, always.
    return case.entity.entity_id


def _accept(case: Case) -> Accept:
    return Accept(grant=_grant(case), associated_uri=addressed(str(case.impu)))


def _forward(case: Case) -> Forward:
    domain = case.home_domain
    return Forward(
        grant=_grant(case),
        request_uri=request_uri(domain),
        authorization=tna_authorization(case.impi, domain, entity_for_core(case)),
        visited_network_id=visited_network_id(domain),
        charging_parameters=charging_parameters(domain, case.rules.node_host),
        next_hop_set=domain.next_hop_set,
    )


def _grant(case: Case) -> Grant:
    realm = case.home_domain.realm
    return Grant(
        impi=case.impi,
        impu=case.impu,
        subject=case.token.subject_digest,
        token_id=case.token.id_digest,
        token_expires_at=case.token.expires_at,
        margin=case.rules.margin,
        minimum=case.rules.minimum_expires,
        expired_challenge=challenge_for(realm, case.entity, Challenge.INVALID_TOKEN),
    )
