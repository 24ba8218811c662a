"""What the WAF needs from the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from epcscfd.domain.oauth.account import WafAccount, WebUser
from epcscfd.domain.oauth.client import WafClient
from epcscfd.domain.oauth.families import AuthorizationCode, Family, IssuedToken, RefreshToken
from epcscfd.domain.oauth.keys import SigningKey
from epcscfd.domain.oauth.refusals import Refusal
from epcscfd.domain.policy import Policy, WwsfId


class FreshPolicy(Protocol):
    """The policy, as of now."""

    async def fresh(self) -> Policy:
        """Give the policy as it is kept at this moment. Raise Unavailable."""
        ...


class ClientRegister(Protocol):
    """Clients and accounts. Every method raises Unavailable."""

    async def client(self, id_: str) -> WafClient | None:
        """Give one."""
        ...

    async def secrets_of(self, id_: str, now: datetime) -> tuple[str, ...]:
        """Give the digests of the secrets of a client that count *now*."""
        ...

    async def account(self, impi: str) -> WafAccount | None:
        """Give one."""
        ...


@dataclass(frozen=True, slots=True)
class Issue:
    """What is kept of one answer of the token endpoint."""

    token: IssuedToken
    refresh: RefreshToken | None = None


class FamilyStore(Protocol):
    """Codes and tokens. What a method has confirmed survives a crash; all raise Unavailable."""

    async def begin(self, code: AuthorizationCode) -> None:
        """Keep *code* and its family."""
        ...

    async def issue(self, issue: Issue) -> None:
        """Keep *issue* and its family, which is new."""
        ...

    async def code(self, digest: str) -> AuthorizationCode | None:
        """Find a code."""
        ...

    async def spend_code(self, digest: str, issue: Issue, now: datetime) -> bool:
        """Spend a code on *issue*, in one step. False: it is spent, or its family revoked."""
        ...

    async def refresh_token(self, digest: str) -> RefreshToken | None:
        """Find a refresh token."""
        ...

    async def spend_refresh(self, digest: str, issue: Issue, now: datetime) -> bool:
        """Spend a refresh token on *issue*, in one step. False: as for a code."""
        ...

    async def token(self, jti: str) -> IssuedToken | None:
        """Find an access token."""
        ...

    async def opaque_token(self, digest: str) -> IssuedToken | None:
        """Find an opaque access token."""
        ...

    async def revoke_token(self, jti: str, now: datetime) -> None:
        """Make one access token good for nothing."""
        ...

    async def revoke_family(self, id_: str, now: datetime) -> tuple[IssuedToken, ...]:
        """Make a family good for nothing. Give its access tokens that were alive."""
        ...

    async def revoked(self, now: datetime) -> tuple[IssuedToken, ...]:
        """Give the access tokens that are revoked and would live otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Consent:
    """A user has admitted a WWSF."""

    user: str
    wwsf: WwsfId
    scope: str
    given_at: datetime


class ConsentStore(Protocol):
    """What users have agreed to, and who is logged in. All raise Unavailable."""

    async def consents(self, user: str) -> tuple[Consent, ...]:
        """Give what *user* has agreed to."""
        ...

    async def give(self, consent: Consent) -> None:
        """Keep *consent*, in place of one for the same pair."""
        ...

    async def withdraw(self, user: str, wwsf: WwsfId, now: datetime) -> tuple[IssuedToken, ...]:
        """Forget the consent and revoke every family of the pair; give tokens that were alive."""
        ...

    async def open_session(self, digest: str, user: str, ends_at: datetime) -> None:
        """Keep that *user* is logged in."""
        ...

    async def session_user(self, digest: str, now: datetime) -> str | None:
        """Tell who is logged in."""
        ...

    async def close_session(self, digest: str) -> None:
        """Forget a login."""
        ...


class ReplayLedger(Protocol):
    """Which assertions have been used."""

    async def spend(self, client: str, jti: str, until: datetime) -> bool:
        """Note one; False if it was used before. Raises Unavailable."""
        ...


class KeyStore(Protocol):
    """Where signing keys are kept. All raise Unavailable."""

    async def keys(self) -> tuple[SigningKey, ...]:
        """Give all that matter, oldest first."""
        ...

    async def add(self, key: SigningKey) -> bool:
        """Keep *key*; False if somebody else has made the key of this number."""
        ...

    async def compromise(self, kid: str) -> bool:
        """Mark a key; False if there is none of this name."""
        ...


class KeyMaker(Protocol):
    """Makes keys and uses them."""

    def make(self, number: int, signs_from: datetime) -> SigningKey:
        """Make a key. Takes milliseconds."""
        ...

    def sign(self, key: SigningKey, claims: Mapping[str, object]) -> str:
        """Make an access token of *claims*."""
        ...

    def jti_of(self, keys: tuple[SigningKey, ...], token: str) -> str | None:
        """Give the `jti` of a *token* that one of *keys* has signed."""
        ...

    def jwk(self, key: SigningKey) -> Mapping[str, object]:
        """Give the public half, as a JWKS says it."""
        ...


class AssertionReader(Protocol):
    """Verifies what clients sign."""

    def claims(self, assertion: str, jwks: str) -> Mapping[str, object] | str:
        """Give the claims if a key of *jwks* has signed *assertion*, else say why not."""
        ...

    def subject(self, assertion: str) -> str:
        """Give the `sub` of *assertion* before anything is verified; empty if it has none."""
        ...


class UserDirectory(Protocol):
    """Web users. Both raise Unavailable."""

    async def authenticate(self, name: str, password: str) -> WebUser | None:
        """Give the user whose password this is. Takes as long for users that there are not."""
        ...

    async def find(self, name: str) -> WebUser | None:
        """Give a user who may log in."""
        ...


class RevocationDesk(Protocol):
    """Who makes the edges forget what they have admitted."""

    async def revoked(self, tokens: tuple[IssuedToken, ...]) -> None:
        """Note that *tokens*, which were alive, are good for nothing."""
        ...


class WafWatch(Protocol):
    """Is told what the WAF does."""

    def token_issued(self, wwsf: str, jti: str) -> None:
        """Note an access token."""
        ...

    def token_refused(self, client: str, grant_type: str, refusal: Refusal) -> None:
        """Note a refusal of the token endpoint."""
        ...

    def login_ended(self, outcome: str, address: str) -> None:
        """Note how a login went: `passed`, `failed` or `throttled`."""
        ...

    def family_revoked(self, family: Family, why: str) -> None:
        """Note that an authorization has ended before its time."""
        ...

    def upkeep_failed(self, error: Exception) -> None:
        """Note that keys could not be read, or dead rows not be swept."""
        ...

    def call_failed(self, method: str, error: Exception) -> None:
        """Note a bug that a caller ran into."""
        ...
