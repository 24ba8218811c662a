"""The metadata (RFC 8414), the kept OpenAPI file and the WAF say the same of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from schemathesis.core.failures import Failure

from epcscfd.domain.oauth.refusals import OAuthError
from epcscfd.tokens.keys import ASYMMETRIC
from epcscfd.waf.metadata import SIGNATURES, WELL_KNOWN
from tests.adapters.waf.browsing import ISSUER
from tests.adapters.waf.contract import CONTRACT, SCHEMAS, conforms


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf

ENUMS = {
    "scopes_supported": "Scope",
    "response_types_supported": "ResponseType",
    "response_modes_supported": "ResponseMode",
    "grant_types_supported": "GrantType",
    "code_challenge_methods_supported": "PkceMethod",
    "token_endpoint_auth_methods_supported": "ClientAuthentication",
    "introspection_endpoint_auth_methods_supported": "ClientAuthentication",
    "revocation_endpoint_auth_methods_supported": "ClientAuthentication",
    "token_endpoint_auth_signing_alg_values_supported": "AssertionAlgorithm",
    "introspection_endpoint_auth_signing_alg_values_supported": "AssertionAlgorithm",
    "revocation_endpoint_auth_signing_alg_values_supported": "AssertionAlgorithm",
}
"Schemas of the OpenAPI file that list what there is."


async def ask(waf: Waf) -> httpx2.Response:
    return await waf.web.get(WELL_KNOWN)


def endpoints_of(told: dict[str, Any]) -> dict[str, str]:
    """Paths by the names of their fields."""
    return {
        name: address.removeprefix(ISSUER)
        for name, address in told.items()
        if name.endswith(("_endpoint", "_uri"))
    }


async def test_the_metadata_is_as_the_contract_has_it(waf: Waf) -> None:
    answer = await ask(waf)

    conforms(WELL_KNOWN, "GET", answer)
    # RFC 8414 3.3: what the client has asked under, to the letter
    assert answer.json()["issuer"] == ISSUER


@pytest.mark.parametrize("field", SCHEMAS["Metadata"]["required"])
async def test_metadata_that_lacks_a_field_would_be_noticed(waf: Waf, field: str) -> None:
    answer = await ask(waf)
    told = {name: value for name, value in answer.json().items() if name != field}
    poorer = httpx2.Response(200, json=told, request=answer.request)
    poorer.elapsed = answer.elapsed

    with pytest.raises(Failure, match=f'"{field}" is a required property'):
        conforms(WELL_KNOWN, "GET", poorer)


async def test_the_endpoints_are_the_paths_of_the_contract(waf: Waf) -> None:
    paths = endpoints_of((await ask(waf)).json()).values()

    assert {*paths, WELL_KNOWN} == set(CONTRACT["paths"])
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("path", CONTRACT["paths"])
async def test_every_path_takes_the_methods_of_the_contract(waf: Waf, path: str) -> None:
    answer = await waf.web.request("OPTIONS", path)

    allowed = set(answer.headers["allow"].split(", ")) - {"HEAD"}
    assert allowed == {method.upper() for method in CONTRACT["paths"][path]}


@pytest.mark.parametrize("field", ENUMS)
async def test_what_is_supported_is_what_the_contract_lists(waf: Waf, field: str) -> None:
    told = (await ask(waf)).json()[field]

    assert sorted(told) == sorted(SCHEMAS[ENUMS[field]]["enum"])


async def test_every_list_of_the_metadata_is_held_against_the_contract(waf: Waf) -> None:
    told = (await ask(waf)).json()

    assert {name for name, value in told.items() if isinstance(value, list)} == set(ENUMS)


def test_what_clients_may_sign_with_is_what_we_verify() -> None:
    assert set(SIGNATURES) == ASYMMETRIC


def test_the_contract_has_the_errors_of_the_endpoints_for_clients() -> None:
    # RFC 6749 4.1.2.1: these go to the client by redirect
    by_redirect = {OAuthError.ACCESS_DENIED, OAuthError.UNSUPPORTED_RESPONSE_TYPE}

    assert set(SCHEMAS["Error"]["properties"]["error"]["enum"]) == set(OAuthError) - by_redirect
