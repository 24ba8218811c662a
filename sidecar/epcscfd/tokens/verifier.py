"""The JWT verifier: tells who made a token, and refuses to guess.

PyJWT checks signatures; the policy about which may be checked is here, because a library
has to accept more than we may (RFC 8725, RFC 9068 4):

* the issuer decides which keys, algorithms and types count; the token's header does not;
* a header that brings or names its own key, or asks for an extension, is refused;
* times, audience, scope and identities are read here and judged by the domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.policy import AuthorizationEntity, KeySource, Policy
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import Assertion, TokenFault
from epcscfd.ports import Opened
from epcscfd.tokens.claims import LONGEST_TEXT, ClaimFault, read_claims
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.keys import ASYMMETRIC, VerificationKey
from epcscfd.tokens.lookup import Found, Unreachable
from epcscfd.tokens.strict import Envelope, Illegible, open_envelope


_SUSPICIOUS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
"Members of a header that would let the token choose its key, or how it is read."

_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A token that may be verified, and what with."""

    envelope: Envelope
    entity: AuthorizationEntity
    keys: KeySource
    algorithm: str
    kid: str | None


class JwtVerifier:
    """Verifies JWTs."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def open_at_once(self, token: BearerToken, policy: Policy) -> Opened | None:
        """Open *token*, to be verified. None: a key must be fetched first."""
        sealed = _inspect(token, policy)
        if isinstance(sealed, TokenFault):
            return lambda: sealed
        found = self._keyring.look(sealed.keys, sealed.kid, sealed.algorithm)
        return None if found is None else partial(_unseal, sealed, found)

    async def verify(self, token: BearerToken, policy: Policy) -> Assertion:
        """Vouch for *token* or say why not, fetching what that needs."""
        sealed = _inspect(token, policy)
        if isinstance(sealed, TokenFault):
            return sealed
        found = await self._keyring.find(sealed.keys, sealed.kid, sealed.algorithm)
        return _unseal(sealed, found)


def _inspect(token: BearerToken, policy: Policy) -> _Sealed | TokenFault:
    """Find out who is to have made *token*, and whether its header is acceptable."""
    try:
        envelope = open_envelope(token.value)
    except Illegible as error:
        return TokenFault(Reason.TOKEN_MALFORMED, detail=str(error))
    header, issuer = envelope.header, envelope.claims.get("iss")
    suspicious = _SUSPICIOUS.intersection(header)
    if suspicious:
        return TokenFault(Reason.TOKEN_HEADER_REFUSED, detail=f"header has {min(suspicious)}")
    entity = policy.entity_of_issuer(issuer) if isinstance(issuer, str) else None
    if entity is None:
        return TokenFault(Reason.ENTITY_UNKNOWN, detail=f"iss is {_quote(issuer)}")
    return _inspect_header(envelope, entity)


def _inspect_header(envelope: Envelope, entity: AuthorizationEntity) -> _Sealed | TokenFault:
    if entity.keys is None:
        return TokenFault(Reason.KEY_UNKNOWN, entity.id, "the entity has no keys")
    algorithm, kind, kid = (envelope.header.get(name) for name in ("alg", "typ", "kid"))
    # RFC 8725 3.1, 3.2: the issuer's algorithms, and of those none that we could sign with.
    if not isinstance(algorithm, str) or not _is_allowed(algorithm, entity):
        return TokenFault(Reason.ALGORITHM_REFUSED, entity.id, f"alg is {_quote(algorithm)}")
    # RFC 9068 4, RFC 8725 3.11: an ID token or a logout token is no access token.
    if not isinstance(kind, str) or kind.lower() not in _lower(entity.token_types):
        return TokenFault(Reason.TOKEN_TYPE_REFUSED, entity.id, f"typ is {_quote(kind)}")
    if not (kid is None or (isinstance(kid, str) and 0 < len(kid) <= LONGEST_TEXT)):
        return TokenFault(Reason.KEY_UNKNOWN, entity.id, f"kid is {_quote(kid)}")
    return _Sealed(envelope, entity, entity.keys, algorithm, kid)


def _unseal(sealed: _Sealed, found: Found) -> Assertion:
    """Verify the signature with the keys *found*, and read the claims."""
    entity = sealed.entity.id
    if isinstance(found, Unreachable):
        return TokenFault(Reason.KEYS_UNREACHABLE, entity, found.why)
    if not found:
        return TokenFault(Reason.KEY_UNKNOWN, entity, f"kid is {_quote(sealed.kid)}")
    if not _signed(sealed, found):
        return TokenFault(Reason.SIGNATURE_INVALID, entity, f"kid is {_quote(sealed.kid)}")
    try:
        return read_claims(sealed.envelope.claims, sealed.entity)
    except ClaimFault as fault:
        return TokenFault(fault.reason, entity, fault.detail)


def _signed(sealed: _Sealed, keys: Iterable[VerificationKey]) -> bool:
    envelope = sealed.envelope
    return any(
        key.verifies(sealed.algorithm, envelope.signing_input, envelope.signature) for key in keys
    )


def _is_allowed(algorithm: str, entity: AuthorizationEntity) -> bool:
    return algorithm in entity.algorithms and algorithm in ASYMMETRIC


@lru_cache(maxsize=64)
def _lower(texts: frozenset[str]) -> frozenset[str]:
    # RFC 7515 4.1.9: media types, whose case does not matter.
    return frozenset(text.lower() for text in texts)


def _quote(value: object) -> str:
    return repr(value)[:_LONGEST_QUOTE]
