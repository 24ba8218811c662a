"""Requests that nobody thought of, made from the contract, at the real process."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

import pytest
import schemathesis

from hypothesis import HealthCheck, settings

from lab.waf import Waf, WafPlan
from tests.adapters.waf.contract import SCHEMA, SCHEMAS


if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

IMPI = "v1@pool.example"


@pytest.fixture(scope="module")
def waf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waf]:
    with Waf(WafPlan(tmp_path_factory.mktemp("waf"))) as waf:
        waf.ctl("wwsf", "create", "shop", "--client-id", "shop-client", "--pool-impi", IMPI)
        grants = ("authorization-code", "refresh-token", "client-credentials")
        flags = [flag for grant in grants for flag in ("--grant-type", grant)]
        back = ("--redirect-uri", "https://shop.example/back", "--anonymous")
        waf.ctl("waf", "client", "create", "shop", *flags, *back)
        waf.ctl("waf", "account", "create", IMPI, "--impu", "sip:v1@ims.example")
        yield waf


@pytest.fixture(scope="module")
def auth(waf: Waf) -> tuple[str, str]:
    return ("shop-client", waf.ctl("waf", "client", "secret", "shop").strip())


@SCHEMA.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked_is_answered_as_the_contract_says(
    case: Case, waf: Waf, auth: tuple[str, str]
) -> None:
    """In the name of a client that has proven itself, so that requests get beyond that."""
    case.call_and_validate(
        base_url=waf.url,
        auth=auth if case.method == "POST" else None,
        allow_redirects=False,
        excluded_checks=[
            # a client id that is nobody's is refused by a page, as is a request without one
            schemathesis.checks.negative_data_rejection,
            schemathesis.checks.positive_data_acceptance,
            # each endpoint takes a certificate or a signature as well
            schemathesis.checks.ignored_auth,
        ],
    )


def test_the_contract_knows_every_field_of_an_answer(waf: Waf, auth: tuple[str, str]) -> None:
    token = waf.pool_token(*auth, IMPI, ims_user="u1").json()
    told = waf.ask("/introspect", {"token": token["access_token"]}, auth).json()

    assert json.dumps(told["active"]) == "true"
    assert set(token) <= set(SCHEMAS["Token"]["properties"])
    assert set(told) == set(SCHEMAS["Introspection"]["properties"])
