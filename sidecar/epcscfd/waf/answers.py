"""Answers: JSON of the endpoints for clients, with the headers that each must have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response


if TYPE_CHECKING:
    from collections.abc import Mapping

    from epcscfd.domain.oauth.refusals import Refusal

NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"RFC 6749 5.1."

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
    "Referrer-Policy": "no-referrer",
}

REALM = "WAF"


def private_json(content: Mapping[str, Any], status: int = 200) -> Response:
    """Answer with what nobody may keep."""
    return JSONResponse(content, status, {**NEVER_KEPT, **EVERYWHERE})


def public_json(content: Mapping[str, Any], seconds: int, kind: str | None = None) -> Response:
    """Answer with what anybody may keep for so many *seconds*."""
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        # Pages of WWSFs may look at it.
        "Access-Control-Allow-Origin": "*",
        **EVERYWHERE,
    }
    return JSONResponse(content, 200, headers, media_type=kind)


def refused(refusal: Refusal) -> Response:
    """Answer with an error (RFC 6749 5.2)."""
    answer = private_json(
        {"error": refusal.error.value, "error_description": refusal.description}, refusal.status
    )
    if refusal.status == 401:
        # RFC 9110 15.5.2 wants a challenge with every 401, RFC 6749 5.2 of the scheme in use.
        answer.headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
    return answer
