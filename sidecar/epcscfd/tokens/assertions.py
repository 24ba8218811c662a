"""Assertions of clients: whose signature they carry. What they say, the domain judges."""

from __future__ import annotations

from collections.abc import Mapping

from epcscfd.tokens.keys import ASYMMETRIC, KeySet, KeysRefused
from epcscfd.tokens.strict import Envelope, Illegible, open_envelope


LONGEST_ASSERTION = 8192
"Characters."

REFUSED_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"Of tokens that are good for something else (RFC 8725 3.11); media types have no case."


class SignedAssertions:
    """Reads what clients have signed."""

    def claims(self, assertion: str, jwks: str) -> Mapping[str, object] | str:
        """Give the claims if a key of *jwks* has signed *assertion*, else say why not."""
        envelope = _open(assertion)
        if isinstance(envelope, str):
            return envelope
        algorithm, kind, kid = (envelope.header.get(name) for name in ("alg", "typ", "kid"))
        if not isinstance(algorithm, str) or algorithm not in ASYMMETRIC:
            return "alg is not acceptable"
        if not (isinstance(kid, str | None) and isinstance(kind, str | None)):
            return "kid or typ is no text"
        # RFC 7515 4.1.11: an extension that has to be understood, and is not.
        if "crit" in envelope.header or (kind or "").lower() in REFUSED_TYPES:
            return "not an assertion"
        try:
            keys = KeySet.from_jwks(jwks.encode()).find(kid, algorithm)
        except KeysRefused as error:
            return f"keys of the client: {error}"
        signed = any(
            key.verifies(algorithm, envelope.signing_input, envelope.signature) for key in keys
        )
        return envelope.claims if signed else "not signed by a key of the client"

    def subject(self, assertion: str) -> str:
        """Give the `sub` of *assertion* before anything is verified; empty if it has none."""
        envelope = _open(assertion)
        subject = "" if isinstance(envelope, str) else envelope.claims.get("sub")
        return subject if isinstance(subject, str) else ""


def _open(assertion: str) -> Envelope | str:
    if len(assertion) > LONGEST_ASSERTION:
        return "too long"
    try:
        return open_envelope(assertion)
    except Illegible as error:
        return str(error)
