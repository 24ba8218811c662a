"""The web site: pages to log in by, and what the WIC page asks for.

| Path | What |
|---|---|
| `GET /` | the phone if somebody is logged in, else how to log in |
| `POST /login` | name and password; JSON for scripts, a form for people |
| `POST /guest` | an identity of the pool for somebody who stays anonymous |
| `GET /connect`, `GET /callback` | to the WAF and back (RFC 6749 4.1) |
| `GET /wic/` | the WIC page, told where the eP-CSCF may be |
| `GET /session` | identity, token and eP-CSCF for the WIC; `?refused` after a refusal |
| `POST /logout` | tokens revoked, identity given back |
| `POST /released` | the eP-CSCF tells which identities are free |
"""

from __future__ import annotations

import html
import json
import secrets
import time

from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from demo.wwsf.accounts import Accounts, TooManyTriesError
from demo.wwsf.answers import Guard, refusal_of
from demo.wwsf.grants import NotConnectedError, Tokens
from demo.wwsf.pool.lease import PoolExhausted
from demo.wwsf.sessions import Login, Session, Sessions, cookie_of
from demo.wwsf.waf import WafClient, WafError


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from demo.wwsf.settings import Site

HERE = Path(__file__).parent
WIC = HERE.parent / "wic"
PAGES = Jinja2Templates(HERE / "templates")
GUEST = "guest-"
DOMAIN = '<meta name="operator-domain" content="{}">'
ANY_DOMAIN = DOMAIN.format("ims.example")
NAME = '<meta name="application-name" content="{}">'
ANY_NAME = NAME.format("Phone")
PHONE = (WIC / "index.html").read_text()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login form or a script has sent."""

    name: str
    password: str
    script: bool
    "Whether it wants JSON back."


class Wwsf:
    """One site."""

    def __init__(self, site: Site, waf: WafClient, tokens: Tokens) -> None:
        self._site = site
        self._waf = waf
        self._tokens = tokens
        self._sessions = Sessions()
        said = DOMAIN.format(html.escape(site.epcscf_domain)), NAME.format(html.escape(site.title))
        self._phone = PHONE.replace(ANY_DOMAIN, said[0]).replace(ANY_NAME, said[1])
        self._cookie = cookie_of(site.waf.client_id)
        self._accounts = Accounts(site.accounts)

    def app(self, *more: Route) -> Starlette:
        """Make the ASGI application, with *more* routes."""
        routes = [
            Route("/", self.home),
            Route("/login", self.login, methods=["POST"]),
            Route("/guest", self.guest, methods=["POST"]),
            Route("/connect", self.connect),
            Route("/callback", self.callback),
            Route("/session", self.session),
            Route("/logout", self.logout, methods=["POST"]),
            *more,
            Route("/wic/", self.phone),
            Mount("/style", StaticFiles(directory=HERE / "style")),
            Mount("/wic", StaticFiles(directory=WIC)),
        ]
        app = Starlette(routes=routes, lifespan=self._alive)
        app.add_middleware(Guard, origin=self._site.origin, wss=self._site.epcscf_domain)
        return app

    @asynccontextmanager
    async def _alive(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._waf:
            yield

    async def home(self, request: Request) -> Response:
        """Show the phone, or the way to it."""
        session = self._session(request)
        if session is None or not session.subject:
            return self._page(request, "login.html")
        if session.granted is None and self._site.kind == "third_party":
            return self._page(request, "connect.html", user=session.user)
        if session.granted is None and self._site.kind == "operator":
            return self._page(request, "login.html")
        return RedirectResponse("/wic/", 303)

    async def phone(self, _request: Request) -> Response:
        """Show the WIC page (S004-9: it connects to no eP-CSCF outside of this domain)."""
        return HTMLResponse(self._phone)

    async def login(self, request: Request) -> Response:
        """Log in with an account of this site (S002-1, S004-1)."""
        given = await _credentials(request)
        if given.name.endswith(f"@{self._site.home_domain}"):
            # S002-11: an IMS credential. We know nothing of it; the core checks it.
            return self._answer(request, given, {"auth": "ims"}, 200)
        try:
            account = await self._accounts.check(given.name, given.password, time.monotonic())
        except TooManyTriesError:
            return self._answer(request, given, {"error": "too_many_tries"}, 429)
        if account is None:
            return self._answer(request, given, {"error": "wrong_name_or_password"}, 401)
        session = self._begin(request)
        session.user, session.subject = account.name, account.subject
        return self._welcome(session, JSONResponse({"auth": "token"}) if given.script else None)

    async def guest(self, request: Request) -> Response:
        """Let somebody in without asking who it is (TS 33.203 X.4, anonymous users)."""
        if self._site.pool is None or not self._site.pool.guests:
            return self._page(request, "login.html", status=403, error="no_guests")
        session = self._begin(request)
        session.subject = GUEST + secrets.token_hex(16)
        return self._welcome(session)

    async def connect(self, request: Request) -> Response:
        """Send the browser to the WAF (S004-2)."""
        session = self._session(request)
        if self._site.kind == "third_party" and (session is None or not session.subject):
            return RedirectResponse("/", 303)
        session = session or self._begin(request)
        try:
            begun = await self._waf.authorization_request()
        except WafError as error:
            return self._page(request, "sorry.html", status=503, error=error.error)
        session.login = Login(begun.state, begun.verifier)
        return self._with_cookie(RedirectResponse(begun.url, 303), session)

    async def callback(self, request: Request) -> Response:
        """Take the authorization code that the WAF has sent along (S004-7)."""
        session, query = self._session(request), request.query_params
        login = session.login if session else None
        if session is None or login is None or query.get("state") != login.state:
            return self._page(request, "sorry.html", status=400, error="state_mismatch")
        session.login = None
        if query.get("iss", self._site.waf.issuer) != self._site.waf.issuer:  # RFC 9207
            return self._page(request, "sorry.html", status=400, error="issuer_mismatch")
        if "code" not in query:
            return self._page(request, "sorry.html", error=query.get("error", "no_code"))
        try:
            session.granted = await self._waf.by_code(query["code"], login.verifier)
        except WafError as error:
            status = 503 if error.unavailable else 502
            return self._page(request, "sorry.html", status=status, error=error.error)
        session.subject = session.subject or session.id
        return RedirectResponse("/", 303)

    async def session(self, request: Request) -> Response:
        """Tell the WIC who it is, with which token and where (S004-8: only here, over HTTPS)."""
        session = self._session(request)
        if session is None or not session.subject:
            return JSONResponse({"error": "not_logged_in"}, 401)
        try:
            granted = await self._tokens.token(session, refused="refused" in request.query_params)
        except (WafError, PoolExhausted, NotConnectedError) as error:
            return refusal_of(error)
        return JSONResponse(
            {
                "impu": granted.impus[0] if granted.impus else "",
                "impus": granted.impus,
                "display_name": session.user,
                "token": granted.token,
                "expires_at": int(granted.expires_at),
                "epcscf_uri": granted.epcscf_uri,
                "epcscf_domain": self._site.epcscf_domain,
            }
        )

    async def logout(self, request: Request) -> Response:
        """End the session and everything that it has let in."""
        session = self._session(request)
        if session is not None:
            self._sessions.end(session)
            await self._tokens.leave(session)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(self._cookie, secure=True, httponly=True, samesite="lax")
        return answer

    def _session(self, request: Request) -> Session | None:
        return self._sessions.find(request.cookies.get(self._cookie, ""), time.monotonic())

    def _begin(self, request: Request) -> Session:
        known = self._session(request)
        if known is not None:
            self._sessions.end(known)
        return self._sessions.begin(time.monotonic())

    def _welcome(self, session: Session, answer: Response | None = None) -> Response:
        return self._with_cookie(answer or RedirectResponse("/", 303), session)

    def _with_cookie(self, answer: Response, session: Session) -> Response:
        # lax: the way back from the WAF begins at another site
        answer.set_cookie(self._cookie, session.id, secure=True, httponly=True, samesite="lax")
        return answer

    def _answer(
        self, request: Request, given: Credentials, body: dict[str, str], status: int
    ) -> Response:
        if given.script:
            return JSONResponse(body, status)
        return self._page(request, "login.html", status=status, name=given.name, **body)

    def _page(
        self, request: Request, template: str, *, status: int = 200, **values: str
    ) -> Response:
        context = {"site": self._site, "error": "", "auth": "", "name": "", **values}
        return PAGES.TemplateResponse(request, template, context, status_code=status)


async def _credentials(request: Request) -> Credentials:
    """Read a login. What is missing is empty, and nobody's."""
    script = request.headers.get("content-type", "").startswith("application/json")
    try:
        body = (await request.body()).decode()
        given = json.loads(body) if script else dict(parse_qsl(body))
    except ValueError:
        given = {}
    if not isinstance(given, Mapping):
        given = {}
    name, password = given.get("name", ""), given.get("password", "")
    return Credentials(str(name), str(password), script)


def callback_of(site: Site) -> str:
    """Tell where the WAF sends browsers back to."""
    return f"{site.origin}/callback"
