"""Checks: what must hold for a REGISTER with a web token to be let through.

The tuple at the end drives the decision, its explanation and the conformance table alike. Its
order is the order in which refusals are reported: first the door, since a WWSF that is cut
off is cut off whatever it shows; then the token by the list of RFC 9068 4; then whose the
identity is. A check may rely on all before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from epcscfd.domain.case import Case
from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.header import quotable
from epcscfd.domain.ownership import Proven, refusal_of
from epcscfd.domain.policy import EntityState, Location, WwsfState
from epcscfd.domain.ranges import IdentityRange, RangeMode
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import (
    TokenFault,
    TokenUse,
    judge_binding,
    judge_life,
    judge_times,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold."""

    name: str
    clause: str
    "Clause that asks for it."
    judge: Callable[[Case], Reason | None]


_IF_USED = {TokenUse.SPENT: Reason.TOKEN_REPLAYED, TokenUse.UNTRACKABLE: Reason.OVERLOADED}


def _wwsf_known(case: Case) -> Reason | None:
    # The WIC comes from a WWSF that we admit.
    return None if case.request.door.wwsf in case.policy.wwsfs else Reason.WWSF_UNKNOWN


def _wwsf_active(case: Case) -> Reason | None:
    # One third party can be cut off without hitting others.
    suspended = case.wwsf.state is WwsfState.SUSPENDED
    return Reason.WWSF_SUSPENDED if suspended else None


def _tokens_taken(case: Case) -> Reason | None:
    # Whoever is to authenticate in the core does not get past it with a token.
    return None if case.wwsf.takes_tokens else Reason.TOKENS_NOT_TAKEN


def _credentials_shown(case: Case) -> Reason | None:
    # Without acceptable credentials, the WIC is asked for them.
    credentials = case.request.credentials
    return None if isinstance(credentials, BearerToken) else credentials


def _token_verified(case: Case) -> Reason | None:
    # Type, algorithm, issuer and signature.
    assertion = case.evidence.assertion
    return assertion.reason if isinstance(assertion, TokenFault) else None


def _audience_ours(case: Case) -> Reason | None:
    # RFC 9068 4: `aud` names this resource server.
    ours = case.entity.audience or case.rules.audience
    return None if ours in case.token.audience else Reason.AUDIENCE_MISMATCH


def _token_current(case: Case) -> Reason | None:
    # The token is of this moment.
    return judge_times(case.token, case.now, case.rules.skew)


def _life_bounded(case: Case) -> Reason | None:
    # A token that hardly ever dies was made by mistake.
    return judge_life(case.token, case.entity.max_life)


def _not_revoked(case: Case) -> Reason | None:
    # A token that somebody took back is no better than one that has expired.
    return Reason.TOKEN_REVOKED if case.evidence.revocation else None


def _scope_granted(case: Case) -> Reason | None:
    # The scope is access to IMS.
    return None if case.entity.scope in case.token.scope else Reason.SCOPE_INSUFFICIENT


def _wwsf_matches(case: Case) -> Reason | None:
    # The WWSF of the token is the one of the page.
    return None if case.token.wwsf == case.wwsf.client_id else Reason.WWSF_MISMATCH


def _entity_allowed(case: Case) -> Reason | None:
    # Who vouches may do so for users of this WWSF.
    return None if case.entity.id in case.wwsf.entities else Reason.ENTITY_NOT_ALLOWED


def _identities_named(case: Case) -> Reason | None:
    # IMPI and IMPU come out of the token.
    if case.token.impi is None:
        return Reason.IMPI_MISSING
    return None if case.token.impus else Reason.IMPU_MISSING


def _binding_honoured(case: Case) -> Reason | None:
    # A token that is bound to a certificate comes with it.
    return judge_binding(case.token, case.request.door.client_certificate)


def _entity_active(case: Case) -> Reason | None:
    # A barred authorization entity vouches for nobody.
    return Reason.ENTITY_BARRED if case.entity.state is EntityState.BARRED else None


def _entity_named(case: Case) -> Reason | None:
    # A third party can be named to the S-CSCF.
    if case.entity.location is Location.OPERATOR:
        return None
    named = case.entity.entity_id and quotable(case.entity.entity_id)
    return None if named else Reason.ENTITY_UNNAMED


def _to_legible(case: Case) -> Reason | None:
    # To is a public user identity.
    return Reason.TO_MALFORMED if case.request.to is None else None


def _identity_asserted(case: Case) -> Reason | None:
    # The core cannot tell if To is another identity of the IMPI.
    return None if case.impu in case.token.impus else Reason.IDENTITY_NOT_ASSERTED


def _domain_served(case: Case) -> Reason | None:
    # An eP-CSCF stands in the home network of the identity.
    return None if case.domain in case.policy.domains else Reason.DOMAIN_NOT_SERVED


def _impi_individual(case: Case) -> Reason | None:
    # A pool consists of subscriptions of one IMPI each.
    return Reason.IMPI_WILDCARDED if case.impi.is_pattern else None


def _identity_owned(case: Case) -> Reason | None:
    # The IMPI is of the pool of that very WWSF, or the IMPU of its ranges.
    return refusal_of(case.ownership, case.wwsf)


def _range_enabled(case: Case) -> Reason | None:
    # Static mode: the range is registered because the operator says so.
    match case.ownership:
        case Proven(range=IdentityRange(enabled=False, mode=RangeMode.STATIC)):
            return Reason.RANGE_NOT_ENABLED
        case _:
            return None


def _block_registered(case: Case) -> Reason | None:
    # The web server has registered the block that the identity is a member of, in either mode.
    member_of = case.range_of_block
    if member_of is None or case.blocks.holds(case.wwsf, str(member_of), case.now):
        return None
    return Reason.BLOCK_NOT_REGISTERED


def _token_unspent(case: Case) -> Reason | None:
    # RFC 7519 4.1.7: `jti` keeps a token from being replayed, if it may be used once only.
    return _IF_USED.get(case.evidence.use)


CHECKS: tuple[Check, ...] = (
    Check("the WWSF of the connection is known", "TS 33.203 REQ 2.6", _wwsf_known),
    Check("it is not suspended", "TS 33.203 REQ 2.2", _wwsf_active),
    Check("its users may come with a token", "TS 24.371 6.1", _tokens_taken),
    Check("a bearer token is shown", "RFC 8898 2.1.1", _credentials_shown),
    Check("an authorization entity has signed it", "RFC 9068 4", _token_verified),
    Check("it is meant for this eP-CSCF", "RFC 9068 4", _audience_ours),
    Check("it is neither expired nor premature", "TS 33.203 X.3.2.3 step 4", _token_current),
    Check("its life is not too long", "RFC 8725 3", _life_bounded),
    Check("it has not been revoked", "RFC 7009 2", _not_revoked),
    Check("its scope is access to IMS", "TS 33.203 X.3.2.3 step 4", _scope_granted),
    Check("it is for the WWSF of the connection", "TS 33.203 REQ 2.3", _wwsf_matches),
    Check("the entity may vouch for this WWSF", "TS 33.203 X.3.2.3 step 4", _entity_allowed),
    Check("it names IMPI and IMPU", "TS 33.203 REQ 2.4", _identities_named),
    Check("it is bound to no other certificate", "RFC 8705 3", _binding_honoured),
    Check("the entity is not barred", "TS 33.203 X.3.2.3 step 6.2", _entity_active),
    Check("the S-CSCF can be told the entity", "TS 33.203 X.3.2.3 step 5.2", _entity_named),
    Check("To is a public identity", "TS 23.003 13.4", _to_legible),
    Check("it is one of the token's", "TS 33.203 REQ 2.4", _identity_asserted),
    Check("its domain is a home domain", "TS 23.228 U.1.1", _domain_served),
    Check("the IMPI is one user's", "TS 33.203 X.4", _impi_individual),
    Check("the identity is the WWSF's to hand out", "TS 33.203 REQ 3.2", _identity_owned),
    Check("its range is enabled", "TS 23.228 S.2.1", _range_enabled),
    Check("its block is registered", "RFC 6140 5", _block_registered),
    Check("the token has not been used up", "RFC 7519 4.1.7", _token_unspent),
)
"""In the order in which a refusal is reported."""
