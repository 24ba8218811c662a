"""How clients prove themselves next to a secret: by signature, by certificate."""

from __future__ import annotations

import base64
import hashlib

from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.domain.oauth.client import ClientAuthentication
from lab.issuer import SigningKey
from tests.adapters.waf.browsing import ISSUER, refused


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.mark.req("S003-8", "S000-4")
async def test_a_client_that_signs_proves_itself_by_nothing_else(waf: Waf) -> None:
    secret = await waf.add_wwsf(authentication=ClientAuthentication.PRIVATE_KEY_JWT)
    await waf.add_account("v1@pool.example")
    form = {"grant_type": "client_credentials", "ims_impi": "v1@pool.example"}

    async def ask(assertion: str, kind: str | None = CLIENT_ASSERTION, **more: str) -> Any:
        return await waf.ask(
            "/token", client_assertion=assertion, client_assertion_type=kind, **form, **more
        )

    used = waf.assertion()
    assert (await ask(used)).status_code == 200
    assert (await ask(waf.assertion(), client_id="shop-client")).status_code == 200
    for bad in (
        used,
        waf.assertion(SigningKey("shop-key")),
        waf.assertion(aud=f"{ISSUER}/token"),
        waf.assertion(sub="alice"),
        waf.assertion(iss="alice"),
        waf.assertion(exp=None),
    ):
        refused(await ask(bad), 401, "invalid_client")
    refused(await ask(waf.assertion(), kind=None), 401, "invalid_client")
    refused(await ask(waf.assertion(), kind="urn:other"), 401, "invalid_client")
    refused(await ask(waf.assertion(), client_id="other"), 401, "invalid_client")
    refused(await waf.pool_token(secret), 401, "invalid_client")


@pytest.mark.req("S003-8")
async def test_a_certificate_counts_where_the_front_end_alone_can_say_it(waf: Waf) -> None:
    der = b"a certificate, as the front end has verified it"
    digest = hashlib.sha256(der).hexdigest()
    await waf.add_wwsf(
        authentication=ClientAuthentication.CERTIFICATE, certificates=frozenset({digest})
    )
    await waf.add_account("v1@pool.example")
    form = {
        "grant_type": "client_credentials",
        "ims_impi": "v1@pool.example",
        "client_id": "shop-client",
    }
    shown = {"Client-Cert": f":{base64.b64encode(der).decode()}:"}
    other = {"Client-Cert": f":{base64.b64encode(b'another').decode()}:"}

    assert (await waf.web.post("/token", data=form, headers=shown)).status_code == 200
    for headers in (other, {"Client-Cert": digest}, {"Client-Cert": ":?:"}, {}):
        refused(await waf.web.post("/token", data=form, headers=headers), 401, "invalid_client")
    direct = waf.browser(behind_front=False)
    refused(await direct.post("/token", data=form, headers=shown), 401, "invalid_client")
