"""The endpoints for clients: token, introspection, revocation, JWKS, metadata."""

from __future__ import annotations

import base64
import binascii

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from starlette.responses import Response
from starlette.routing import Route

from epcscfd.app.oauth.clients import Presented
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.waf import metadata
from epcscfd.waf.answers import EVERYWHERE, NEVER_KEPT, private_json, public_json, refused
from epcscfd.waf.forms import Malformed, TooLarge, read_form
from epcscfd.waf.peer import certificate_of


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from epcscfd.app.oauth.tokens import TokenDesk

Parameters = dict[str, str]

JWKS_SECONDS = 300
"An eP-CSCF asks anew as often; the next key is published an hour before it signs."

METADATA_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEndpoints:
    """Answers clients."""

    desk: TokenDesk
    behind_front: bool

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route(metadata.TOKEN, self.token, methods=["POST"]),
            Route(metadata.INTROSPECT, self.introspect, methods=["POST"]),
            Route(metadata.REVOKE, self.revoke, methods=["POST"]),
            Route(metadata.JWKS, self.jwks, methods=["GET"]),
            Route(metadata.WELL_KNOWN, self.metadata, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 3.2)."""

        async def answer(presented: Presented, form: Parameters) -> Response:
            return _json(await self.desk.grant(presented, form))

        return await self._answer(request, answer)

    async def introspect(self, request: Request) -> Response:
        """Tell about a token (RFC 7662)."""

        async def answer(presented: Presented, form: Parameters) -> Response:
            return _json(await self.desk.introspect(presented, form.get("token", "")))

        return await self._answer(request, answer)

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009)."""

        async def answer(presented: Presented, form: Parameters) -> Response:
            refusal = await self.desk.revoke(presented, form.get("token", ""))
            if refusal is not None:
                return refused(refusal)
            return Response(headers={**NEVER_KEPT, **EVERYWHERE})

        return await self._answer(request, answer)

    async def _answer(
        self,
        request: Request,
        answer: Callable[[Presented, Parameters], Awaitable[Response]],
    ) -> Response:
        try:
            form = await read_form(request)
        except TooLarge:
            return Response(status_code=413, headers={**NEVER_KEPT, **EVERYWHERE})
        except Malformed as error:
            return refused(Refusal(OAuthError.INVALID_REQUEST, str(error)))
        return await answer(self._presented(request, form), form)

    def _presented(self, request: Request, form: Parameters) -> Presented:
        header = request.headers.get("authorization")
        basic = _basic(header) if header is not None else None
        return Presented(
            basic=basic,
            illegible=header is not None and basic is None,
            assertion_type=form.get("client_assertion_type", ""),
            assertion=form.get("client_assertion", ""),
            certificate=certificate_of(request, behind_front=self.behind_front),
            client_id=form.get("client_id", ""),
            form_secret="client_secret" in form,
        )

    async def jwks(self, _request: Request) -> Response:
        """Publish the keys."""
        return public_json(self.desk.parts.signer.jwks(), JWKS_SECONDS, "application/jwk-set+json")

    async def metadata(self, _request: Request) -> Response:
        """Publish the metadata."""
        return public_json(metadata.metadata_of(self.desk.parts.rules), METADATA_SECONDS)


def _json(answer: Mapping[str, object] | Refusal) -> Response:
    return refused(answer) if isinstance(answer, Refusal) else private_json(answer)


def _basic(header: str) -> tuple[str, str] | None:
    """Read credentials of the scheme Basic (RFC 7617). None: it is something else."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    id_, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        return None
    # RFC 6749 2.3.1: both are form-encoded before they are joined.
    return unquote_plus(id_), unquote_plus(secret)
