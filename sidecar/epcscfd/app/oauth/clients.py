"""Who is asking: authentication of clients (RFC 6749 2.3, RFC 7523 2.2, RFC 8705 2)."""

from __future__ import annotations

import hashlib
import hmac

from dataclasses import dataclass, field

from epcscfd.app.oauth.parts import Parts
from epcscfd.domain.oauth.assertion import ClientAssertion, read_assertion
from epcscfd.domain.oauth.client import ClientAuthentication, WafClient
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.policy import Policy, Wwsf, WwsfId, WwsfState


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of who sends it."""

    basic: tuple[str, str] | None = None
    "Id and secret, decoded."
    illegible: bool = False
    "There is an Authorization header with something else in it."
    assertion_type: str = ""
    assertion: str = field(default="", repr=False)
    certificate: str = ""
    "SHA-256 of the client certificate, in hex."
    client_id: str = ""
    "Of the form."
    form_secret: bool = False
    "The secret stands in the form, where it ends in logs."

    @property
    def claimed_id(self) -> str:
        """Give the id that is said in so many words; empty: the assertion may say it."""
        return self.basic[0] if self.basic else self.client_id


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has proven itself."""

    client: WafClient
    client_id: str
    wwsf: Wwsf | None
    "None: it only introspects."
    policy: Policy
    "As of when it proved itself."

    @property
    def wwsf_id(self) -> WwsfId:
        """Give the WWSF that tokens are for; empty for who gets none."""
        return self.wwsf.id if self.wwsf else WwsfId("")

    @property
    def is_suspended(self) -> bool:
        """Tell whether the operator suspects it."""
        return self.wwsf is not None and self.wwsf.state is WwsfState.SUSPENDED


@dataclass(frozen=True, slots=True)
class ClientDesk:
    """Finds clients and has them prove themselves."""

    parts: Parts

    async def find(self, client_id: str) -> Caller | None:
        """Find whom *client_id* names, without proof."""
        policy = await self.parts.policies.fresh()
        wwsf = policy.wwsf_of_client(client_id)
        client = await self.parts.register.client(wwsf.id if wwsf else client_id)
        if client is None or (wwsf is None and not client.introspects):
            return None
        return Caller(client, client_id, wwsf, policy)

    async def authenticate(self, presented: Presented) -> Caller | Refusal:
        """Have whoever has *presented* this prove itself."""
        ways = [presented.basic or presented.illegible, presented.assertion, presented.form_secret]
        if sum(map(bool, ways)) > 1:
            return Refusal(OAuthError.INVALID_REQUEST, "proves itself in more than one way")
        if presented.illegible:
            return _unproven("no id and secret in the header")
        client_id = self._claimed_id(presented)
        if presented.client_id not in ("", client_id):
            return Refusal(OAuthError.INVALID_REQUEST, "two client ids")
        caller = await self.find(client_id)
        if caller is None:
            return _unproven("unknown client")
        why = await self._doubt(caller, presented)
        return caller if why is None else _unproven(why)

    def _claimed_id(self, presented: Presented) -> str:
        if presented.claimed_id or not presented.assertion:
            return presented.claimed_id
        # RFC 7523 3: `sub` is the client id, and `client_id` may be left out.
        return self.parts.assertions.subject(presented.assertion)

    async def _doubt(self, caller: Caller, presented: Presented) -> str | None:
        """Say why *caller* is not proven to be who it says, if so."""
        match caller.client.authentication:
            case ClientAuthentication.SECRET if presented.basic:
                return await self._doubt_secret(caller, presented.basic[1])
            case ClientAuthentication.PRIVATE_KEY_JWT if presented.assertion:
                return await self._doubt_assertion(caller, presented)
            case ClientAuthentication.CERTIFICATE if presented.certificate:
                known = presented.certificate in caller.client.certificates
                return None if known else "another certificate"
            case expected:
                return f"no proof of the kind {expected.value}"

    async def _doubt_secret(self, caller: Caller, secret: str) -> str | None:
        digests = await self.parts.register.secrets_of(caller.client.id, self.parts.clock.now())
        shown = secret_digest(self.parts.pepper, secret)
        # Every one is compared, so that time tells nothing.
        matches = [hmac.compare_digest(shown, digest) for digest in digests]
        return None if any(matches) else "wrong secret"

    async def _doubt_assertion(self, caller: Caller, presented: Presented) -> str | None:
        if presented.assertion_type != ASSERTION_TYPE:
            return "another client_assertion_type"
        read = await self.read_assertion(caller, presented.assertion)
        if isinstance(read, str):
            return read
        return None if read.subject == caller.client_id else "sub is not the client"

    async def read_assertion(self, caller: Caller, text: str) -> ClientAssertion | str:
        """Read what *caller* has signed, and spend it; or say why not."""
        claims = self.parts.assertions.claims(text, caller.client.jwks)
        if isinstance(claims, str):
            return claims
        read = read_assertion(
            claims,
            caller.client_id,
            self.parts.rules.issuer,
            self.parts.clock.now(),
            self.parts.rules.skew,
        )
        if isinstance(read, str):
            return read
        fresh = await self.parts.ledger.spend(caller.client.id, read.jti, read.expires_at)
        return read if fresh else "jti was used before"


def secret_digest(pepper: bytes, secret: str) -> str:
    """Give what is kept of a client's secret.

    Secrets are 256 random bits that we have made: nobody can guess them, so a slow hash would
    only slow us down. The pepper keeps a stolen database from telling which guess is right.
    """
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def _unproven(why: str) -> Refusal:
    return Refusal(OAuthError.INVALID_CLIENT, why)
