"""Answers: from what an entity says about a token (RFC 7662 2.2) to an assertion of the domain.

An answer is read by the rules for claims of a JWT, so that the same checks hold for both. What is
more: `iss`, if it is there, is the entity; a token that is no bearer token is of no use over SIP.
What RFC 7662 leaves to the server and a check needs (`sub`, `aud`, `iat`, `exp`) has to be there;
where there is no `sub` because no user is involved, the client is the subject.
"""

from __future__ import annotations

from epcscfd.domain.policy import AuthorizationEntity
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import Assertion, TokenFault
from epcscfd.tokens.claims import ClaimFault, Claims, read_claims
from epcscfd.tokens.strict import Illegible, read_object


LARGEST_ANSWER = 64 * 1024
"Bytes; a hundred identities take a tenth."


class AnswerUnusable(Exception):  # noqa: N818 - named for what is wrong
    """The server has said nothing about the token."""


def read_answer(document: bytes, entity: AuthorizationEntity) -> Assertion:
    """Read what *entity* has answered. Raise AnswerUnusable."""
    try:
        answer = read_object(document)
    except Illegible as error:
        raise AnswerUnusable(f"the answer is {error}") from None
    # RFC 7662 2.2: the one member that must be there, a boolean; `"false"` is true to some.
    active = answer.get("active")
    if not isinstance(active, bool):
        raise AnswerUnusable("the answer does not say whether the token is active")
    if not active:
        return _fault(Reason.TOKEN_INACTIVE, entity, "")
    return _objection(answer, entity) or _read(answer, entity)


def _objection(answer: Claims, entity: AuthorizationEntity) -> TokenFault | None:
    if answer.get("iss", entity.issuer) != entity.issuer:
        return _fault(Reason.ENTITY_UNKNOWN, entity, "the answer has the iss of somebody else")
    # RFC 9449 6.2: DPoP says so here, and SIP cannot carry its proof.
    kind = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return _fault(Reason.BINDING_UNKNOWN, entity, "token_type is not Bearer")
    return None


def _read(answer: Claims, entity: AuthorizationEntity) -> Assertion:
    # RFC 9068 2.2 has the client's name as `sub` where no user is involved, RFC 7662 2.2 no `sub`.
    claims = {"sub": answer.get("client_id"), **answer}
    try:
        return read_claims(claims, entity)
    except ClaimFault as fault:
        return _fault(fault.reason, entity, fault.detail)


def _fault(reason: Reason, entity: AuthorizationEntity, detail: str) -> TokenFault:
    return TokenFault(reason, entity.id, detail, introspected=True)
