"""The token endpoint, and what is asked about tokens once they are out (RFC 6749, 7009, 7662)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from epcscfd.app.oauth.clients import Caller, ClientDesk, Presented
from epcscfd.app.oauth.grants import Answer, Grants, Parameters
from epcscfd.app.oauth.parts import Parts
from epcscfd.domain.oauth.account import WafAccount
from epcscfd.domain.oauth.claims import INACTIVE, introspection
from epcscfd.domain.oauth.client import GrantType
from epcscfd.domain.oauth.families import IssuedToken, digest_of
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.policy import WwsfState


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDesk:
    """Gives tokens to clients, and tells about them."""

    parts: Parts
    clients: ClientDesk
    grants: Grants

    async def grant(self, presented: Presented, parameters: Parameters) -> Answer | Refusal:
        """Answer a token request. Raise Unavailable."""
        # S000-4: who asks comes before what is asked.
        caller = await self.clients.authenticate(presented)
        if isinstance(caller, Refusal):
            self.parts.watch.token_refused(presented.claimed_id, "", caller)
            return caller
        asked = parameters.get("grant_type", "")
        answer = await self._grant(caller, asked, parameters)
        if isinstance(answer, Refusal):
            self.parts.watch.token_refused(caller.client.id, asked, answer)
        return answer

    async def _grant(self, caller: Caller, asked: str, parameters: Parameters) -> Answer | Refusal:
        if not asked:
            return Refusal(OAuthError.INVALID_REQUEST, "no grant_type")
        grant_type = _GRANT_TYPES.get(asked)
        if grant_type is None:
            return Refusal(OAuthError.UNSUPPORTED_GRANT_TYPE, "unknown grant_type")
        # S000-7: whatever a suspected WWSF asks for.
        if caller.is_suspended:
            return Refusal(OAuthError.UNAUTHORIZED_CLIENT, "the wwsf is suspended")
        if caller.wwsf is None or not caller.client.may_use(grant_type):
            return Refusal(OAuthError.UNAUTHORIZED_CLIENT, "not its grant type")
        scope = self.parts.rules.granted(parameters)
        if isinstance(scope, Refusal):
            return scope
        return await self.grants.table()[grant_type](caller, parameters)

    async def introspect(self, presented: Presented, token: str) -> Mapping[str, object] | Refusal:
        """Tell about *token* (RFC 7662 2). Raise Unavailable."""
        caller = await self.clients.authenticate(presented)
        if isinstance(caller, Refusal):
            return caller
        if not token:
            return Refusal(OAuthError.INVALID_REQUEST, "no token")
        found = await self._find(token)
        if found is None or not found.is_alive(self.parts.clock.now()):
            return INACTIVE
        # What is another's is nobody's business, and a suspected WWSF has no tokens (S000-8).
        wwsf = caller.policy.wwsfs.get(found.family.wwsf)
        may_know = caller.client.introspects or caller.wwsf_id == found.family.wwsf
        if not may_know or wwsf is None or wwsf.state is WwsfState.SUSPENDED:
            return INACTIVE
        account = await self._account(found)
        return introspection(found, account, wwsf.client_id, self.parts.rules)

    async def _account(self, token: IssuedToken) -> WafAccount | None:
        """Give what the user of *token* maps to now, if that is what it was issued for."""
        family = token.family
        if not family.user:
            return await self.parts.register.account(str(family.impi))
        user = await self.parts.users.find(family.user)
        account = user.account if user else None
        return account if account is not None and account.impi == family.impi else None

    async def revoke(self, presented: Presented, token: str) -> Refusal | None:
        """End *token* (RFC 7009 2). None: it is good for nothing now. Raise Unavailable."""
        caller = await self.clients.authenticate(presented)
        if isinstance(caller, Refusal):
            return caller
        if not token:
            return Refusal(OAuthError.INVALID_REQUEST, "no token")
        now = self.parts.clock.now()
        refresh = await self.parts.families.refresh_token(digest_of(token))
        found = await self._find(token) if refresh is None else None
        held = refresh or found
        if held is not None and held.family.wwsf != caller.wwsf_id:
            return Refusal(OAuthError.INVALID_GRANT, "token of another client")
        if refresh is not None:
            # RFC 7009 2.1: with the refresh token go the access tokens of the same grant.
            await self.parts.revocations.revoked(
                await self.parts.families.revoke_family(refresh.family.id, now)
            )
            self.parts.watch.family_revoked(refresh.family, "revoked by its client")
        elif found is not None and found.is_alive(now):
            await self.parts.families.revoke_token(found.jti, now)
            await self.parts.revocations.revoked((found,))
        return None

    async def _find(self, token: str) -> IssuedToken | None:
        """Find an access token of ours."""
        jti = self.parts.signer.jti_of(token) if token.count(".") == 2 else None
        if jti is not None:
            return await self.parts.families.token(jti)
        return await self.parts.families.opaque_token(digest_of(token))


_GRANT_TYPES = {str(each): each for each in GrantType}
