"""A WAF in the loop of the test, with a client, a browser and an operator for it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets

from dataclasses import dataclass, field, replace
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt

from epcscfd.app.oauth.clients import secret_digest
from epcscfd.app.oauth.parts import Parts
from epcscfd.app.oauth.signing import Signer
from epcscfd.directory.own import OwnDirectory
from epcscfd.directory.passwords import Passwords
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.oauth.account import UserState, WafAccount, WafUser
from epcscfd.domain.oauth.client import ClientAuthentication, GrantType, WafClient
from epcscfd.domain.oauth.keys import KeySchedule
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.domain.policy import Wwsf, WwsfState
from epcscfd.main.waf import join
from epcscfd.store.waf_tables import WafTables
from epcscfd.tokens.assertions import SignedAssertions
from epcscfd.tokens.minting import EcKeyMaker
from lab.issuer import SigningKey
from tests.builders import a_wwsf


if TYPE_CHECKING:
    from epcscfd.domain.oauth.families import Family, IssuedToken
    from epcscfd.domain.oauth.refusals import Refusal
    from tests.adapters.conftest import Kept
    from tests.fakes.clock import FrozenClock

ISSUER = "https://waf.home1.net"
AUDIENCE = "home1.net"
SCOPE = "webrtc-ims-client-access-to-ims"
CALLBACK = "https://shop.example/back"
PASSWORD = "correct horse battery staple"
EVERYTHING = frozenset(GrantType)
SHOP_KEY = SigningKey("shop-key")

RULES = WafRules(
    issuer=ISSUER,
    waf_id="waf.home1.net",
    audience=AUDIENCE,
    epcscf_uri="wss://epcscf.home1.net",
)


@dataclass
class Told:
    """What the WAF has told."""

    issued: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, Refusal]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    bugs: list[tuple[str, Exception]] = field(default_factory=list)

    def token_issued(self, wwsf: str, jti: str) -> None:
        self.issued.append((wwsf, jti))

    def token_refused(self, client: str, grant_type: str, refusal: Refusal) -> None:
        self.refused.append((client, grant_type, refusal))

    def login_ended(self, outcome: str, address: str) -> None:
        self.logins.append(outcome)

    def family_revoked(self, family: Family, why: str) -> None:
        self.families.append(why)

    def upkeep_failed(self, error: Exception) -> None:
        self.bugs.append(("upkeep", error))

    def call_failed(self, method: str, error: Exception) -> None:
        self.bugs.append((method, error))


@dataclass
class Revoked:
    """What edges were told to forget."""

    jtis: list[str] = field(default_factory=list)

    async def revoked(self, tokens: tuple[IssuedToken, ...]) -> None:
        self.jtis += [token.jti for token in tokens]


class Waf:
    """A WAF, and ways to use it."""

    def __init__(self, kept: Kept, clock: FrozenClock, passwords: Passwords) -> None:
        self.kept = kept
        self.clock = clock
        self.told = Told()
        self.revoked = Revoked()
        self.tables = WafTables(kept.engine, clock)
        self.passwords = passwords
        self.signer = Signer(self.tables.keys, EcKeyMaker(b"phrase"), clock, KeySchedule())
        self.parts = Parts(
            rules=RULES,
            clock=clock,
            watch=self.told,
            policies=kept.board,
            register=self.tables.register,
            users=OwnDirectory(self.tables.register, passwords),
            families=self.tables.families,
            consents=self.tables.consents,
            ledger=self.tables.ledger,
            revocations=self.revoked,
            assertions=SignedAssertions(),
            signer=self.signer,
            pepper=b"pepper",
            pairing=b"pairing",
        )
        self.key = SHOP_KEY
        self.web = self.browser(behind_front=True)

    def browser(self, *, behind_front: bool = False) -> httpx2.AsyncClient:
        """A browser, or a WWSF, without cookies yet."""
        application = join(self.parts, "Home One", behind_front=behind_front)
        transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url=ISSUER)

    async def add_wwsf(self, wwsf: Wwsf | None = None, **client: Any) -> str:
        """Provision a WWSF and its client; give the client's secret."""
        wwsf = wwsf or a_wwsf(pool={"realms": ["pool.example"]})
        await self.kept.store.create(wwsf)
        parts = {
            "id": wwsf.id,
            "authentication": ClientAuthentication.SECRET,
            "grant_types": EVERYTHING,
            "redirect_uris": frozenset({CALLBACK}),
            "jwks": self.jwks(),
            "anonymous": True,
            **client,
        }
        return await self.add_client(WafClient(**parts))

    async def add_client(self, client: WafClient) -> str:
        await self.tables.register.create(client)
        secret = secrets.token_urlsafe(16)
        digest = secret_digest(b"pepper", secret)
        await self.tables.register.add_secret(client.id, digest, self.clock.now())
        return secret

    async def add_other(self) -> tuple[str, str]:
        """Provision a second WWSF, `other`, with a pool; give its id and secret."""
        wwsf = a_wwsf(
            id="other",
            client_id="other",
            origins=["https://other.example"],
            pool={"realms": ["other.example"]},
        )
        return ("other", await self.add_wwsf(wwsf))

    async def add_epcscf(self) -> tuple[str, str]:
        """Provision an eP-CSCF that asks about tokens; give its id and secret."""
        client = WafClient("epcscf", ClientAuthentication.SECRET, introspects=True)
        return ("epcscf", await self.add_client(client))

    async def add_account(self, impi: str, *impus: str) -> WafAccount:
        account = WafAccount(
            Impi.parse(impi), frozenset(map(Impu.parse, impus or (f"sip:{impi}",)))
        )
        await self.tables.register.create(account)
        return account

    async def add_user(self, name: str, impi: str | None) -> None:
        account = Impi.parse(impi) if impi else None
        await self.tables.register.create(WafUser(name, account))
        await self.tables.register.set_password(name, await self.passwords.hash(PASSWORD))

    async def change_user(self, name: str, **changes: Any) -> None:
        await self.tables.register.update(
            (WafUser, name, ""), lambda _stored: WafUser(**{"name": name, **changes})
        )

    async def lock(self, name: str) -> None:
        await self.change_user(name, state=UserState.LOCKED)

    async def set_state(self, wwsf: str, state: WwsfState) -> None:
        """What `wwsf suspend` does, in whatever process."""
        await self.kept.store.update(
            (Wwsf, wwsf, ""), lambda stored: replace(stored.resource, state=state)
        )

    def jwks(self) -> str:
        return json.dumps({"keys": [self.key.public_jwk()]})

    def assertion(self, key: SigningKey | None = None, headers: Any = None, **changes: Any) -> str:
        """A good assertion of the shop about itself, but for *changes*; None leaves one out."""
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": "shop-client",
            "sub": "shop-client",
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = key or self.key
        return jwt.encode(
            claims, key.private, algorithm="ES256", headers={"kid": key.kid, **(headers or {})}
        )

    async def ask(self, path: str, auth: Any = None, **form: Any) -> httpx2.Response:
        """Send a form; None leaves a field out."""
        kept = {name: value for name, value in form.items() if value is not None}
        return await self.web.post(path, data=kept, auth=auth)

    async def pool_token(self, secret: str, **form: Any) -> httpx2.Response:
        """Ask for a token of the pool."""
        asked = {
            "grant_type": "client_credentials",
            "ims_impi": "v1@pool.example",
            "ims_user": "u1",
            **form,
        }
        return await self.ask("/token", ("shop-client", secret), **asked)


@dataclass(frozen=True)
class Pkce:
    """A verifier and its challenge."""

    verifier: str = "a-verifier-of-at-least-43-characters-0123456789"

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


PKCE = Pkce()


def authorization(**changes: Any) -> dict[str, str]:
    """Parameters of a good authorization request, but for *changes*."""
    parameters = {
        "response_type": "code",
        "client_id": "shop-client",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "xyz",
        "code_challenge": PKCE.challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def hidden(page: str) -> dict[str, str]:
    """Hidden fields of the first form of a page."""
    form = page.partition("</form>")[0]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """What a redirect to the client says."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return {name: value for name, (value,) in parse_qs(parts.query).items()}


class Browser:
    """A user at a browser."""

    def __init__(self, waf: Waf) -> None:
        self.http = waf.browser()

    async def open(self, **changes: Any) -> httpx2.Response:
        return await self.http.get("/authorize", params=authorization(**changes))

    async def log_in(
        self, page: httpx2.Response, password: str = PASSWORD, user: str = "alice"
    ) -> httpx2.Response:
        """Fill in the login page; give what comes after it."""
        form = {**hidden(page.text), "user": user, "password": password}
        done = await self.http.post("/login", data=form)
        if done.status_code == 303 and done.headers["location"].startswith("/"):
            return await self.http.get(done.headers["location"])
        return done

    async def decide(self, page: httpx2.Response, decision: str = "allow") -> httpx2.Response:
        return await self.http.post("/consent", data={**hidden(page.text), "decision": decision})

    async def get_code(self, **changes: Any) -> str:
        """Log in and agree, as far as that is still asked for."""
        page = await self.open(**changes)
        if "/login" in page.text:
            page = await self.log_in(page)
        return answer_of(page if page.is_redirect else await self.decide(page))["code"]


def claims_of(waf: Waf, token: str) -> dict[str, Any]:
    """Verify a token as anybody can, by the JWKS, and give its claims."""
    keys = {key["kid"]: jwt.PyJWK(key).key for key in waf.signer.jwks()["keys"]}
    header = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], algorithms=["ES256"], audience=AUDIENCE, options=options
    )
    return claims


def is_guarded(page: httpx2.Response) -> None:
    """Check what every page has."""
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page.text
    assert "http://" not in page.text


def refused(answer: Any, status: int, error: str) -> None:
    """Check that an answer is an error of RFC 6749 5.2 and nothing else."""
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
