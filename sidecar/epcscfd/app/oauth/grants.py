"""The grants: each way to ask for a token, as one function.

Whoever asks has proven itself and may ask in this way; what is left is whether it may have a
token for *this* user or account.
"""

from __future__ import annotations

import secrets

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from epcscfd.app.oauth.clients import Caller, ClientDesk
from epcscfd.app.oauth.issuing import Mint
from epcscfd.app.oauth.parts import Parts
from epcscfd.domain.identity import Impi, MalformedIdentity
from epcscfd.domain.oauth.account import Claim, WafAccount, claim_on
from epcscfd.domain.oauth.claims import pairwise_subject
from epcscfd.domain.oauth.client import GrantType
from epcscfd.domain.oauth.families import (
    Family,
    Stolen,
    digest_of,
    judge_code,
    judge_refresh,
)
from epcscfd.domain.oauth.refusals import OAuthError, Refusal


TOKEN_TYPES = "urn:ietf:params:oauth:token-type:"  # noqa: S105 - not a secret
JWT_TYPE = f"{TOKEN_TYPES}jwt"
ACCESS_TOKEN_TYPE = f"{TOKEN_TYPES}access_token"

Parameters = Mapping[str, str]
Answer = dict[str, object]
Grant = Callable[[Caller, Parameters], Awaitable[Answer | Refusal]]

LONGEST_HANDLE = 255
"Characters by which a WWSF tells its users apart."


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What every grant needs."""

    parts: Parts
    clients: ClientDesk
    mint: Mint

    def table(self) -> dict[GrantType, Grant]:
        """Give the grants by type."""
        return {
            GrantType.AUTHORIZATION_CODE: self.by_code,
            GrantType.REFRESH_TOKEN: self.by_refresh_token,
            GrantType.CLIENT_CREDENTIALS: self.by_client_credentials,
            GrantType.JWT_BEARER: self.by_assertion,
            GrantType.TOKEN_EXCHANGE: self.by_exchange,
        }

    async def by_code(self, caller: Caller, parameters: Parameters) -> Answer | Refusal:
        """Exchange a code (RFC 6749 4.1.3)."""
        text, verifier = parameters.get("code", ""), parameters.get("code_verifier", "")
        if not text or not verifier:
            return Refusal(OAuthError.INVALID_REQUEST, "code and code_verifier are needed")
        digest, now = digest_of(text), self.parts.clock.now()
        shown = (parameters.get("redirect_uri", ""), verifier)
        family = judge_code(await self.parts.families.code(digest), caller.wwsf_id, shown, now)
        return await self._spend(caller, family, digest, self.parts.families.spend_code)

    async def by_refresh_token(self, caller: Caller, parameters: Parameters) -> Answer | Refusal:
        """Exchange a refresh token for a new pair (RFC 6749 6)."""
        text = parameters.get("refresh_token", "")
        if not text:
            return Refusal(OAuthError.INVALID_REQUEST, "refresh_token is needed")
        digest, now = digest_of(text), self.parts.clock.now()
        found = await self.parts.families.refresh_token(digest)
        family = judge_refresh(found, caller.wwsf_id, now)
        return await self._spend(caller, family, digest, self.parts.families.spend_refresh)

    async def _spend(
        self, caller: Caller, family: Family | Stolen | Refusal, digest: str, spend: Spend
    ) -> Answer | Refusal:
        """Issue for a code or refresh token that is good, once."""
        if isinstance(family, Refusal):
            return family
        if isinstance(family, Stolen):
            return await self._revoke(family)
        now = self.parts.clock.now()
        account = await self._account_of(caller, family)
        if isinstance(account, Refusal):
            return account
        minted = self.mint.mint(caller, family, account, now)
        minted = self.mint.with_refresh(minted, caller, now)
        if not await spend(digest, minted.issue, now):
            # Two came at the same time: one of them has stolen it.
            return await self._revoke(Stolen(family, "shown twice at once"))
        self.parts.watch.token_issued(family.wwsf, minted.issue.token.jti)
        return minted.answer

    async def _account_of(self, caller: Caller, family: Family) -> WafAccount | Refusal:
        """Give what the user of *family* maps to now, if that is what it was begun for."""
        user = await self.parts.users.find(family.user)
        account = user.account if user else None
        if account is None or account.impi != family.impi:
            return _no_grant("the user maps to something else by now")
        return self._permitted(caller, account, Claim.OWN, Claim.OPEN)

    async def by_client_credentials(
        self, caller: Caller, parameters: Parameters
    ) -> Answer | Refusal:
        """Issue for an account of the WWSF's own (RFC 6749 4.4; TS 33.203 X.4.2.3 step 1)."""
        impi = parameters.get("ims_impi", "")
        user, session = parameters.get("ims_user", ""), parameters.get("ims_session", "")
        if not impi or (user and session) or len(user or session) > LONGEST_HANDLE:
            why = "ims_impi is needed, and ims_user or ims_session but not both"
            return Refusal(OAuthError.INVALID_REQUEST, why)
        if not user and not caller.client.anonymous:
            return Refusal(OAuthError.UNAUTHORIZED_CLIENT, "no anonymous users")
        account = await self._account(impi)
        if account is None:
            return _no_grant("no such account")
        permitted = self._permitted(caller, account, Claim.OWN)
        if isinstance(permitted, Refusal):
            return permitted
        # S003-5: the web identity ends here. Without a handle every token is another user's.
        kind = "user" if user else "session"
        name = user or session or secrets.token_hex(16)
        return await self._issue(caller, ("", f"{kind}/{impi}", name), account)

    async def by_assertion(self, caller: Caller, parameters: Parameters) -> Answer | Refusal:
        """Issue for a user whom the WWSF has logged in (RFC 7523 2.1)."""
        return await self._vouched(caller, parameters.get("assertion", ""))

    async def by_exchange(self, caller: Caller, parameters: Parameters) -> Answer | Refusal:
        """Issue for a user whom the WWSF has logged in (RFC 8693 2.1)."""
        checks = (
            (parameters.get("subject_token_type") != JWT_TYPE, "subject_token_type is not jwt"),
            ("actor_token" in parameters, "actor_token is not served"),
            (
                parameters.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE,
                "requested_token_type is not access_token",
            ),
        )
        for wrong, why in checks:
            if wrong:
                return Refusal(OAuthError.INVALID_REQUEST, why)
        ours = self.parts.rules.audience
        if parameters.get("audience", ours) != ours:
            return Refusal(OAuthError.INVALID_TARGET, "another audience")
        answer = await self._vouched(caller, parameters.get("subject_token", ""))
        if isinstance(answer, Refusal):
            return answer
        return {**answer, "issued_token_type": ACCESS_TOKEN_TYPE}

    async def _vouched(self, caller: Caller, statement: str) -> Answer | Refusal:
        if not statement:
            return Refusal(OAuthError.INVALID_REQUEST, "no statement about the user")
        read = await self.clients.read_assertion(caller, statement)
        if isinstance(read, str):
            return _no_grant(f"assertion: {read}")
        user = await self.parts.users.find(read.subject)
        if user is None or user.account is None:
            # S000-6: the same words, so that a WWSF cannot ask who there is.
            return _no_grant("no such user, or one without account")
        account = self._permitted(caller, user.account, Claim.OWN, Claim.OPEN)
        if isinstance(account, Refusal):
            return account
        return await self._issue(caller, (user.name, "user", user.name), account)

    async def _issue(
        self, caller: Caller, who: tuple[str, str, str], account: WafAccount
    ) -> Answer:
        user, kind, name = who
        now = self.parts.clock.now()
        subject = pairwise_subject(self.parts.pairing, caller.wwsf_id, kind, name)
        family = self.mint.family(caller, (user, subject), account, now)
        minted = self.mint.mint(caller, family, account, now)
        await self.parts.families.issue(minted.issue)
        self.parts.watch.token_issued(family.wwsf, minted.issue.token.jti)
        return minted.answer

    async def _account(self, impi: str) -> WafAccount | None:
        try:
            return await self.parts.register.account(str(Impi.parse(impi)))
        except MalformedIdentity:
            return None

    def _permitted(
        self, caller: Caller, account: WafAccount, *claims: Claim
    ) -> WafAccount | Refusal:
        if claim_on(caller.policy, caller.wwsf_id, account.impi) in claims:
            return account
        return _no_grant("not an account of this wwsf")

    async def _revoke(self, stolen: Stolen) -> Refusal:
        alive = await self.parts.families.revoke_family(stolen.family.id, self.parts.clock.now())
        await self.parts.revocations.revoked(alive)
        self.parts.watch.family_revoked(stolen.family, stolen.why)
        return _no_grant(stolen.why)


Spend = Callable[..., Awaitable[bool]]


def _no_grant(why: str) -> Refusal:
    return Refusal(OAuthError.INVALID_GRANT, why)
