"""Keys come from whom their certificate says they come from."""

from __future__ import annotations

import ssl

import pytest

from epcscfd.tokens.fetching import make_client
from epcscfd.tokens.jwks import JwksCache
from epcscfd.tokens.lookup import Unreachable
from lab.certificates import Authority
from tests.adapters.tokens.asking import names
from tests.fakes.issuer import FakeIssuer


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ours")


@pytest.fixture
async def issuer(authority):
    server = authority.issue_server()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(server.certificate, server.key)
    async with FakeIssuer(tls=tls) as serving:
        yield serving


async def test_a_private_authority_is_believed_if_the_settings_say_so(
    authority, issuer, clock, watch, lives
):
    async with make_client(str(authority.certificate)) as client:
        found = await JwksCache(client, clock, watch, lives).find(issuer.url, "ec-1", "ES256")

    assert names(found) == ["ec-1"]


@pytest.mark.parametrize("believed", [None, "another"])
async def test_nobody_else_s_authority_is(believed, tmp_path, issuer, clock, watch, lives):
    ca_file = believed and str(Authority(tmp_path / believed).certificate)
    async with make_client(ca_file) as client:
        found = await JwksCache(client, clock, watch, lives).find(issuer.url, "ec-1", "ES256")

    assert isinstance(found, Unreachable)
    assert "CERTIFICATE_VERIFY_FAILED" in found.why
