"""Pages for users: login, consent, what they have admitted; they work without JavaScript.

* Every form carries a token that follows from a cookie which no other site can read or set
  (`__Host-`): without it nothing is done.
* Nothing is loaded from elsewhere, nothing runs, nobody may frame a page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from epcscfd.waf.answers import EVERYWHERE, NEVER_KEPT


if TYPE_CHECKING:
    from starlette.requests import Request

TEMPLATES = Path(__file__).parent / "templates"

COOKIE = "__Host-waf"
CSRF_FIELD = "form_token"

STYLE = "/waf.css"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser, and the cookie that it has or gets."""

    secret: str
    is_new: bool

    @property
    def form_token(self) -> str:
        """Give what forms of this browser carry."""
        return hashlib.sha256(f"form {self.secret}".encode()).hexdigest()

    def sent(self, form: dict[str, str]) -> bool:
        """Tell whether *form* comes from a page of ours that this browser was shown."""
        shown = form.get(CSRF_FIELD, "")
        return not self.is_new and hmac.compare_digest(shown.encode(), self.form_token.encode())


def visit_of(request: Request) -> Visit:
    """Give the visit of *request*."""
    secret = request.cookies.get(COOKIE, "")
    return Visit(secret, is_new=False) if secret else Visit(secrets.token_urlsafe(32), is_new=True)


ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
)


class Pages:
    """Renders pages."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.style = (TEMPLATES / "waf.css").read_text(encoding="utf-8")

    def show(
        self,
        template: str,
        visit: Visit,
        *,
        status: int = 200,
        goes_to: str = "",
        **values: Any,
    ) -> Response:
        """Show a page; its forms may lead back to us and, in the end, *goes_to* that address."""
        text = ENVIRONMENT.get_template(template).render(
            waf=self._name,
            csrf_field=CSRF_FIELD,
            form_token=visit.form_token,
            style=STYLE,
            **values,
        )
        response = HTMLResponse(text, status, {**NEVER_KEPT, **EVERYWHERE, **_guards(goes_to)})
        if visit.is_new:
            keep(response, visit.secret)
        return response


def keep(response: Response, secret: str) -> None:
    """Have the browser keep *secret*."""
    response.set_cookie(COOKIE, secret, secure=True, httponly=True, samesite="lax", path="/")


def go(address: str) -> Response:
    """Send the browser to *address*, with GET (RFC 9700 4.12)."""
    return RedirectResponse(address, 303, {**NEVER_KEPT, **EVERYWHERE})


def _guards(goes_to: str) -> dict[str, str]:
    # Browsers hold the answer to a form against form-action, redirects included.
    parts = urlsplit(goes_to)
    target = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{target}"
    )
    return {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
