"""The verifier of tokens of every entity: by keys at hand, or by asking.

* A JWT of an entity with keys is verified with them.
* A JWT of an entity without keys, and whatever is no JWT, is for the entity to judge (RFC 7662).
  What is no JWT names nobody, so it goes to the one entity of the door's WWSF that answers
  questions; to two of them it goes never, since it would be shown to somebody whose it is not.
* Nobody is asked on behalf of a WWSF or entity that is cut off.
"""

from __future__ import annotations

import enum

from functools import partial

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.policy import AuthorizationEntity, EntityState, Policy, WwsfId
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import Assertion, TokenFault
from epcscfd.ports import Opened, VerificationWatch
from epcscfd.tokens.introspection.introspector import Introspector
from epcscfd.tokens.strict import Illegible, open_envelope
from epcscfd.tokens.verifier import JwtVerifier


class Method(enum.StrEnum):
    """How a token was verified. A metric label."""

    KEYS = "keys"
    INTROSPECTION = "introspection"


class EntityVerifier:
    """Verifies tokens."""

    def __init__(
        self, jwts: JwtVerifier, introspector: Introspector, watch: VerificationWatch
    ) -> None:
        self._jwts = jwts
        self._introspector = introspector
        self._watch = watch

    def open_at_once(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Opened | None:
        """Open *token*, to be verified. None: something must be fetched first."""
        entity = _to_be_asked(token, wwsf, policy)
        if entity is None:
            opened = self._jwts.open_at_once(token, policy)
            return partial(self._verified, opened) if opened else None
        known: Assertion | None = entity if isinstance(entity, TokenFault) else None
        if isinstance(entity, AuthorizationEntity):
            known = self._introspector.look(token.value, entity)
        return partial(self._counted, Method.INTROSPECTION, known) if known else None

    async def verify(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Assertion:
        """Vouch for *token* or say why not, fetching what that needs."""
        assertion: Assertion
        method = Method.INTROSPECTION
        match _to_be_asked(token, wwsf, policy):
            case None:
                method = Method.KEYS
                assertion = await self._jwts.verify(token, policy)
            case TokenFault() as fault:
                assertion = fault
            case entity:
                assertion = await self._introspector.ask(token.value, entity)
        return self._counted(method, assertion)

    def _verified(self, opened: Opened) -> Assertion:
        return self._counted(Method.KEYS, opened())

    def _counted(self, method: Method, assertion: Assertion) -> Assertion:
        reason = assertion.reason if isinstance(assertion, TokenFault) else None
        self._watch.token_verified(method, reason)
        return assertion


def _to_be_asked(
    token: BearerToken, wwsf: WwsfId, policy: Policy
) -> AuthorizationEntity | TokenFault | None:
    """Find the entity that *token* is to be shown to. None: its signature tells."""
    if not policy.introspects:
        return None
    try:
        issuer = open_envelope(token.value).claims.get("iss")
    except Illegible:
        return _sole(policy.entities_to_ask(wwsf))
    entity = policy.entity_of_issuer(issuer) if isinstance(issuer, str) else None
    if entity is None or entity.keys is not None:
        return None
    if entity.state is EntityState.BARRED:
        return TokenFault(Reason.ENTITY_BARRED, entity.id, "not asked")
    if entity not in policy.entities_to_ask(wwsf):
        return TokenFault(Reason.ENTITY_NOT_ALLOWED, entity.id, "not asked")
    return entity


def _sole(entities: tuple[AuthorizationEntity, ...]) -> AuthorizationEntity | TokenFault | None:
    if len(entities) > 1:
        named = ", ".join(entity.id for entity in entities)
        return TokenFault(Reason.ENTITY_AMBIGUOUS, detail=f"it could be of {named}")
    return entities[0] if entities else None
