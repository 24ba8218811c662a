"""How we prove to an entity who asks, against a real server that holds us to it."""

from __future__ import annotations

import pytest

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from epcscfd.domain.introspection import ClientAuthentication, Introspection
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken
from epcscfd.main.clock import SystemClock
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.introspector import Introspector
from lab.certificates import Authority
from lab.introspection import CLIENT_ID, Askers, IntrospectionServer
from lab.issuer import Issuer
from tests.builders import an_entity
from tests.fakes.memory import MemoryTokenWatch


ISSUER = "https://waf.home1.net"
SECRET = "s3cr3t & more"


def pem_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def ask(tmp_path):
    """Ask a server about a good token and about the same once more, by one way of proof."""

    async def run(server, authentication, *, trust=None, environment=None):
        watch = MemoryTokenWatch()
        credentials = CredentialStore(tmp_path, environment or {})
        introspector = Introspector(SystemClock(), watch, credentials, trust)
        terms = Introspection(server.url, CLIENT_ID, "my-waf", authentication)
        entity = an_entity(keys=None, introspection=terms)
        found = [await introspector.ask(server.token(), entity) for _ in range(2)]
        await introspector.close()
        told = repr((watch.introspections, found, entity, introspector))
        assert SECRET not in told
        return found

    return run


def are_good(found):
    return [type(each) for each in found] == [AccessToken, AccessToken]


async def test_a_secret_in_the_header(ask, tmp_path):
    (tmp_path / "my-waf").write_text(SECRET)
    with IntrospectionServer(Issuer(ISSUER, "shop"), Askers(basic=SECRET)) as server:
        assert are_good(await ask(server, ClientAuthentication.SECRET_BASIC))


async def test_a_secret_in_the_body_out_of_the_environment(ask):
    with IntrospectionServer(Issuer(ISSUER, "shop"), Askers(post=SECRET)) as server:
        found = await ask(
            server,
            ClientAuthentication.SECRET_POST,
            environment={"EPCSCF_SECRET_MY_WAF": SECRET},
        )

        assert are_good(found)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-256", "Ed25519", "RSA"],
)
async def test_an_assertion_each_time_another(ask, tmp_path, key):
    (tmp_path / "my-waf").write_bytes(pem_of(key))
    with IntrospectionServer(Issuer(ISSUER, "shop"), Askers(key=key.public_key())) as server:
        assert are_good(await ask(server, ClientAuthentication.PRIVATE_KEY_JWT))
        assert len(server.askers.used) == 2


async def test_what_is_no_key_signs_nothing(ask, tmp_path):
    (tmp_path / "my-waf").write_text(SECRET)
    with IntrospectionServer(Issuer(ISSUER, "shop")) as server:
        found = await ask(server, ClientAuthentication.PRIVATE_KEY_JWT)

        assert {each.reason for each in found} == {Reason.INTROSPECTION_REFUSED}
        assert server.asked == []


async def test_a_certificate(ask, tmp_path):
    authority = Authority(tmp_path / "tls")
    ours, anchor = authority.issue_client("epcscf1.home1.net"), str(authority.certificate)
    (tmp_path / "my-waf").write_bytes(ours.certificate.read_bytes() + ours.key.read_bytes())
    tls = (authority.issue_server(), anchor)
    askers = Askers(certificate="epcscf1.home1.net")
    with IntrospectionServer(Issuer(ISSUER, "shop"), askers, tls) as server:
        assert server.url.startswith("https:")
        assert are_good(await ask(server, ClientAuthentication.TLS, trust=anchor))


async def test_a_server_that_nobody_vouches_for_gets_no_token(ask, tmp_path):
    (tmp_path / "my-waf").write_text(SECRET)
    authority = Authority(tmp_path / "tls")
    tls = (authority.issue_server(), str(authority.certificate))
    with IntrospectionServer(Issuer(ISSUER, "shop"), Askers(basic=SECRET), tls) as server:
        found = await ask(server, ClientAuthentication.SECRET_BASIC)

        assert {each.reason for each in found} == {Reason.INTROSPECTION_UNREACHABLE}
        assert server.asked == []
