"""The endpoints for users: authorization, login, consent, and what they have admitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from epcscfd.app.oauth.login import LoginFailed
from epcscfd.domain.oauth.authorization import Ask, Reading, SendBack, ShowPage
from epcscfd.waf import metadata
from epcscfd.waf.answers import EVERYWHERE
from epcscfd.waf.forms import Malformed, Repeated, TooLarge, read_form, read_parameters
from epcscfd.waf.pages import STYLE, Pages, Visit, go, keep, visit_of
from epcscfd.waf.peer import address_of


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from epcscfd.app.oauth.authorizing import AuthorizationDesk
    from epcscfd.app.oauth.login import LoginDesk

Parameters = dict[str, str]

LOGIN = "/login"
CONSENT = "/consent"
ACCOUNT = "/account"
WITHDRAW = "/account/withdraw"
LOGOUT = "/logout"

CARRIED = "request"
"Field in which our forms carry the authorization request; it is read anew each time."

STATUSES = {LoginFailed.WRONG: 401, LoginFailed.THROTTLED: 429}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEndpoints:
    """Answers users."""

    authorization: AuthorizationDesk
    login: LoginDesk
    pages: Pages
    behind_front: bool

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route(metadata.AUTHORIZE, self.authorize, methods=["GET", "POST"]),
            Route(LOGIN, self._form(self.log_in), methods=["POST"]),
            Route(CONSENT, self._form(self.consent), methods=["POST"]),
            Route(ACCOUNT, self.account, methods=["GET"]),
            Route(WITHDRAW, self._form(self.withdraw), methods=["POST"]),
            Route(LOGOUT, self._form(self.log_out), methods=["POST"]),
            Route(STYLE, self.style, methods=["GET"]),
        ]

    def _form(
        self, answer: Callable[[Request, Visit, Parameters], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Let *answer* have forms only that come from a page of ours."""

        async def checked(request: Request) -> Response:
            visit = visit_of(request)
            try:
                form = await read_form(request)
                if not visit.sent(form):
                    return self._error(visit, "the form is not from this site, or too old", 403)
                return await answer(request, visit, form)
            except (Malformed, TooLarge) as error:
                return self._error(visit, str(error))

        return checked

    async def authorize(self, request: Request) -> Response:
        """Ask the user (RFC 6749 3.1)."""
        visit = visit_of(request)
        try:
            if request.method == "POST":
                parameters = await read_form(request)
            else:
                parameters = read_parameters(request.url.query.encode())
        except Repeated as error:
            reading = await self.authorization.read(error.once, error.names)
            return self._elsewhere(visit, reading)
        except (Malformed, TooLarge) as error:
            return self._error(visit, str(error))
        return await self._ask(visit, parameters)

    async def _ask(self, visit: Visit, parameters: Parameters) -> Response:
        reading = await self.authorization.read(parameters)
        if not isinstance(reading, Ask):
            return self._elsewhere(visit, reading)
        user = await self.login.user_of(visit.secret)
        if user is None:
            return self._login_page(visit, reading, parameters)
        if await self.authorization.has_agreed(user, reading):
            return await self._agree(user, reading)
        return self.pages.show(
            "consent.html",
            visit,
            goes_to=reading.redirect_uri,
            client=reading.wwsf.display_name or reading.wwsf.id,
            user=user,
            request=urlencode(parameters),
        )

    def _elsewhere(self, visit: Visit, reading: Reading) -> Response:
        """Answer what is not to be asked: by redirect, or on a page."""
        if isinstance(reading, SendBack):
            return go(self.authorization.back(reading))
        why = reading.why if isinstance(reading, ShowPage) else ""
        return self._error(visit, why)

    def _login_page(
        self,
        visit: Visit,
        ask: Ask | None,
        parameters: Parameters,
        failed: LoginFailed | None = None,
    ) -> Response:
        return self.pages.show(
            "login.html",
            visit,
            status=STATUSES[failed] if failed else 200,
            goes_to=ask.redirect_uri if ask else "",
            client=(ask.wwsf.display_name or ask.wwsf.id) if ask else "",
            failed=failed.name.lower() if failed else "",
            request=urlencode(parameters),
        )

    async def log_in(self, request: Request, visit: Visit, form: Parameters) -> Response:
        """Log the user in, and go on with what was asked."""
        carried = read_parameters(form.get(CARRIED, "").encode())
        reading = await self.authorization.read(carried) if carried else None
        if reading is not None and not isinstance(reading, Ask):
            return self._elsewhere(visit, reading)
        if reading is not None and "cancel" in form:
            return go(self.authorization.back(self.authorization.refuse(reading, "cancelled")))
        address = address_of(request, behind_front=self.behind_front)
        session = await self.login.log_in(form.get("user", ""), form.get("password", ""), address)
        if isinstance(session, LoginFailed):
            return self._login_page(visit, reading, carried, session)
        # A new secret: what somebody may have planted before the login is worth nothing after.
        response = go(f"{metadata.AUTHORIZE}?{urlencode(carried)}" if carried else ACCOUNT)
        keep(response, session)
        return response

    async def consent(self, _request: Request, visit: Visit, form: Parameters) -> Response:
        """Do as the user has decided."""
        carried = read_parameters(form.get(CARRIED, "").encode())
        reading = await self.authorization.read(carried)
        if not isinstance(reading, Ask):
            return self._elsewhere(visit, reading)
        user = await self.login.user_of(visit.secret)
        if user is None:
            return self._login_page(visit, reading, carried)
        if form.get("decision") != "allow":
            return go(self.authorization.back(self.authorization.refuse(reading, "declined")))
        return await self._agree(user, reading)

    async def _agree(self, user: str, ask: Ask) -> Response:
        answer = await self.authorization.agree(user, ask)
        return go(answer if isinstance(answer, str) else self.authorization.back(answer))

    async def account(self, request: Request) -> Response:
        """Show what the user has admitted."""
        visit = visit_of(request)
        user = await self.login.user_of(visit.secret)
        if user is None:
            return self._login_page(visit, None, {})
        admitted = await self.authorization.admitted_by(user)
        return self.pages.show("account.html", visit, user=user, admitted=admitted)

    async def withdraw(self, _request: Request, visit: Visit, form: Parameters) -> Response:
        """Take back what the user has admitted (S004-18)."""
        user = await self.login.user_of(visit.secret)
        if user is None:
            return self._login_page(visit, None, {})
        await self.authorization.withdraw(user, form.get("wwsf", ""))
        return go(ACCOUNT)

    async def log_out(self, _request: Request, visit: Visit, _form: Parameters) -> Response:
        """End the session."""
        await self.login.log_out(visit.secret)
        return go(ACCOUNT)

    async def style(self, _request: Request) -> Response:
        """Give the style sheet of the pages."""
        headers = {"Cache-Control": "public, max-age=3600", **EVERYWHERE}
        return PlainTextResponse(self.pages.style, headers=headers, media_type="text/css")

    def _error(self, visit: Visit, why: str, status: int = 400) -> Response:
        return self.pages.show("error.html", visit, status=status, why=why)
