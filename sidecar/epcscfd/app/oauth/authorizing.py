"""The authorization endpoint: a user logs in, agrees, and a code goes back (RFC 6749 4.1)."""

from __future__ import annotations

import secrets

from collections.abc import Mapping
from dataclasses import dataclass

from epcscfd.app.oauth.clients import ClientDesk
from epcscfd.app.oauth.issuing import SECRET_BYTES, Mint
from epcscfd.app.oauth.parts import Parts
from epcscfd.app.oauth.ports import Consent
from epcscfd.domain.oauth.account import Claim, WebUser, claim_on
from epcscfd.domain.oauth.authorization import (
    Ask,
    Reading,
    SendBack,
    answer_uri,
    read_authorization_request,
)
from epcscfd.domain.oauth.claims import pairwise_subject
from epcscfd.domain.oauth.families import AuthorizationCode, digest_of
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.policy import WwsfId


@dataclass(frozen=True, slots=True)
class Admitted:
    """A WWSF that a user has admitted, as the user is shown it."""

    consent: Consent
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationDesk:
    """Asks users."""

    parts: Parts
    clients: ClientDesk
    mint: Mint

    async def read(
        self, parameters: Mapping[str, str], repeated: frozenset[str] = frozenset()
    ) -> Reading:
        """Read an authorization request; *repeated* came more than once. Raise Unavailable."""
        found = await self.clients.find(parameters.get("client_id", ""))
        known = (found.wwsf, found.client) if found and found.wwsf else None
        return read_authorization_request(parameters, known, self.parts.rules, repeated)

    async def has_agreed(self, user: str, ask: Ask) -> bool:
        """Tell whether *user* has agreed to *ask* before."""
        given = await self.parts.consents.consents(user)
        return any(each.wwsf == ask.wwsf.id and each.scope == ask.scope for each in given)

    async def agree(self, name: str, ask: Ask) -> str | SendBack:
        """Keep that user *name* agrees; give the address to go to, with a code."""
        found = await self.clients.find(ask.wwsf.client_id)
        user = await self.parts.users.find(name)
        account = user.account if user else None
        if found is None or user is None or account is None:
            return self.refuse(ask, "the user has no account")
        if claim_on(found.policy, ask.wwsf.id, account.impi) is Claim.FOREIGN:
            return self.refuse(ask, "an account that this wwsf may not use")
        now = self.parts.clock.now()
        await self.parts.consents.give(Consent(name, ask.wwsf.id, ask.scope, now))
        subject = pairwise_subject(self.parts.pairing, ask.wwsf.id, "user", name)
        family = self.mint.family(found, (name, subject), account, now)
        text = secrets.token_urlsafe(SECRET_BYTES)
        code = AuthorizationCode(
            digest=digest_of(text),
            family=family,
            redirect_uri=ask.redirect_uri_said,
            challenge=ask.challenge,
            expires_at=now + self.parts.rules.code_life,
        )
        await self.parts.families.begin(code)
        return answer_uri(ask.redirect_uri, ask.state, self.parts.rules.issuer, code=text)

    def refuse(self, ask: Ask, why: str) -> SendBack:
        """Send the user back without a code."""
        return SendBack(ask.redirect_uri, ask.state, Refusal(OAuthError.ACCESS_DENIED, why))

    def back(self, answer: SendBack) -> str:
        """Give the address of *answer*."""
        return answer_uri(
            answer.redirect_uri,
            answer.state,
            self.parts.rules.issuer,
            error=answer.refusal.error.value,
            error_description=answer.refusal.description,
        )

    async def admitted_by(self, user: str) -> tuple[Admitted, ...]:
        """Give the WWSFs that *user* has admitted."""
        policy = await self.parts.policies.fresh()
        given = await self.parts.consents.consents(user)
        return tuple(
            Admitted(each, wwsf.display_name or wwsf.id)
            for each in given
            if (wwsf := policy.wwsfs.get(each.wwsf))
        )

    async def withdraw(self, user: str, wwsf: str) -> None:
        """Take back what *user* has agreed to: tokens of the pair die (S004-18)."""
        alive = await self.parts.consents.withdraw(user, WwsfId(wwsf), self.parts.clock.now())
        await self.parts.revocations.revoked(alive)

    async def user(self, name: str) -> WebUser | None:
        """Give a user who may log in."""
        return await self.parts.users.find(name)
