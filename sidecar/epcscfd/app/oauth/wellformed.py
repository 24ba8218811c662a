"""Well-formedness of what operators provision at the WAF."""

from __future__ import annotations

import re

from datetime import timedelta
from typing import TYPE_CHECKING

from epcscfd.app.wellformed import (
    ID,
    SHA256,
    check_display_name,
    check_identities,
    check_url,
    need,
    need_match,
    need_matches,
)
from epcscfd.domain.oauth.account import WafAccount, WafUser
from epcscfd.domain.oauth.client import ClientAuthentication, GrantType, WafClient
from epcscfd.errors import InvalidArgument


if TYPE_CHECKING:
    from collections.abc import Callable

    from epcscfd.app.provisioning import Resource

USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,254}")
"What can be typed in one way, and stands in a resource name as it is."

LONGEST_TOKEN_LIFE = timedelta(days=1)
LARGEST_JWKS = 64 * 1024
MOST_REDIRECT_URIS = 50

NEEDS_KEYS = frozenset({GrantType.JWT_BEARER, GrantType.TOKEN_EXCHANGE})


def check_waf_resource(resource: Resource, vet_jwks: Callable[[str], None]) -> None:
    """Raise InvalidArgument unless well-formed; *vet_jwks* does so for keys."""
    check_display_name(resource)
    match resource:
        case WafClient():
            _check_client(resource, vet_jwks)
        case WafAccount():
            check_identities("name", [resource.impi])
            need(bool(resource.impus), "impus", "at least one is needed")
            check_identities("impus", resource.impus)
        case WafUser():
            need_match(USER_NAME, "name", resource.name, "lower-case letters, digits and `._@+-`")
        case _:
            raise InvalidArgument("name", "is no resource of the WAF")


def _check_client(client: WafClient, vet_jwks: Callable[[str], None]) -> None:
    need_match(ID, "name", client.id, "an id of `[a-z0-9-]{1,63}`")
    need(len(client.redirect_uris) <= MOST_REDIRECT_URIS, "redirect_uris", "are too many")
    for uri in sorted(client.redirect_uris):
        check_url("redirect_uris", uri)
        # RFC 6749 3.1.2.
        need("#" not in uri, "redirect_uris", "must not have a fragment")
    need_matches(SHA256, "certificates", client.certificates, "a SHA-256 in lower-case hex")
    life = client.token_life
    seconds = int(LONGEST_TOKEN_LIFE.total_seconds())
    need(life <= LONGEST_TOKEN_LIFE, "token_life_seconds", f"must be at most {seconds}")
    if client.jwks:
        need(len(client.jwks) <= LARGEST_JWKS, "jwks", "is too large")
        vet_jwks(client.jwks)
    _check_sense(client)


def _check_sense(client: WafClient) -> None:
    """Check that what the client may do, it can."""
    by = client.authentication
    signs = by is ClientAuthentication.PRIVATE_KEY_JWT or client.grant_types & NEEDS_KEYS
    need(not signs or bool(client.jwks), "jwks", "is needed: it has to sign")
    shows = by is ClientAuthentication.CERTIFICATE
    need(not shows or bool(client.certificates), "certificates", "at least one is needed")
    asks = client.may_use(GrantType.AUTHORIZATION_CODE)
    need(not asks or bool(client.redirect_uris), "redirect_uris", "at least one is needed")
    again = client.may_use(GrantType.REFRESH_TOKEN)
    need(asks or not again, "grant_types", "REFRESH_TOKEN comes with AUTHORIZATION_CODE only")
    acts = client.introspects and client.grant_types
    need(not acts, "grant_types", "who asks about every token gets none")
