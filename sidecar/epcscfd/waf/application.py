"""The application: all routes, and what becomes of breakdowns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.errors import Unavailable
from epcscfd.waf.answers import EVERYWHERE, NEVER_KEPT, refused


if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from epcscfd.waf.clients import ClientEndpoints
    from epcscfd.waf.users import UserEndpoints

RETRY_AFTER = "5"
"Seconds; a database that fails over takes as long."


def make_application(
    clients: ClientEndpoints, users: UserEndpoints, bug: Callable[[str, Exception], None]
) -> Starlette:
    """Make the application; *bug* is told what nobody has foreseen."""

    async def unavailable(_request: Request, _error: Exception) -> Response:
        answer = refused(Refusal(OAuthError.TEMPORARILY_UNAVAILABLE, "a part is down"))
        answer.headers["Retry-After"] = RETRY_AFTER
        return answer

    async def broken(request: Request, error: Exception) -> Response:
        bug(request.url.path, error)
        return PlainTextResponse("internal error", 500, {**NEVER_KEPT, **EVERYWHERE})

    return Starlette(
        routes=[*clients.routes(), *users.routes()],
        exception_handlers={Unavailable: unavailable, Exception: broken},
    )
