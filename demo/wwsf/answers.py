"""What every answer of the site has in common, and what failures look like to the WIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse

from demo.wwsf.grants import NotConnectedError
from demo.wwsf.pool.lease import PoolExhausted
from demo.wwsf.waf import WafError


if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

RELEASED = "/released"
"The one path where machines post, which have no Origin."

WHEN_LATER = 5
"Seconds that a page waits when nobody can tell how long it will take."


class Guard:
    """Refuses posts of other sites' pages, and tells browsers what ours may do."""

    def __init__(self, app: ASGIApp, origin: str, wss: str) -> None:
        self._app = app
        self._origin = origin
        self._headers = {
            "content-security-policy": (
                "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
                f"connect-src 'self' wss://{wss}:* wss://*.{wss}:*"
            ),
            # not no-referrer: with that, forms of ours come with `Origin: null`
            "referrer-policy": "same-origin",
            "strict-transport-security": "max-age=31536000",
            "x-content-type-options": "nosniff",
            # a token is in some of them, a user's name in others
            "cache-control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST" and scope["path"] != RELEASED and not self._is_ours(scope):
            refusal = PlainTextResponse("This came from another site's page.\n", 403)
            await refusal(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _is_ours(self, scope: Scope) -> bool:
        # every browser sends it with a POST; without it, it was none, and has no cookie either
        return dict(scope["headers"]).get(b"origin") == self._origin.encode()


def refusal_of(error: WafError | PoolExhausted | NotConnectedError) -> JSONResponse:
    """Tell a WIC why there is no token for it."""
    match error:
        case PoolExhausted():  # S003-1
            wait = int(error.free_in.total_seconds()) + 1 if error.free_in else WHEN_LATER
            headers = {"retry-after": str(wait)}
            return JSONResponse({"error": "pool_exhausted"}, 503, headers)
        case WafError(unavailable=True):
            headers = {"retry-after": str(WHEN_LATER)}
            return JSONResponse({"error": "waf_unavailable"}, 503, headers)
        case WafError():
            return JSONResponse({"error": error.error}, 403)
        case NotConnectedError():
            return JSONResponse({"error": "not_connected"}, 401)
