"""Certificates of the lab pass a strict TLS handshake, and only for what they are for."""

from __future__ import annotations

import hashlib
import ssl

import pytest

from lab.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue_server(hosts=["epcscf1.ims.example"])


def handshake(client_side, server_side, name):
    """Shake hands in memory; return what the server knows of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return server.getpeercert(binary_form=False)


def contexts(authority, server, client=None, trusted_by_server=None):
    client_side = ssl.create_default_context(cafile=authority.certificate)
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(server.certificate, server.key)
    if client is not None:
        client_side.load_cert_chain(client.certificate, client.key)
        server_side.load_verify_locations(trusted_by_server or authority.certificate)
        server_side.verify_mode = ssl.CERT_REQUIRED
        server_side.verify_flags |= ssl.VERIFY_X509_STRICT
    return client_side, server_side


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "epcscf1.ims.example"])
def test_server_is_believed_under_its_names(authority, server, name):
    assert handshake(*contexts(authority, server), name) is None


def test_server_is_not_believed_under_another_name(authority, server):
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(*contexts(authority, server), "other.example")


def test_client_is_known_by_its_certificate(authority, server):
    client = authority.issue_client("wic.wwsf.example")

    known = handshake(*contexts(authority, server, client), "localhost")

    assert known["subject"] == ((("commonName", "wic.wwsf.example"),),)


def test_server_certificate_does_not_serve_as_a_client(authority, server):
    with pytest.raises(ssl.SSLError, match="unsuitable certificate purpose"):
        handshake(*contexts(authority, server, server), "localhost")


def test_client_of_another_authority_is_refused(authority, server, tmp_path):
    stranger = Authority(tmp_path, "another authority").issue_client("wic.wwsf.example")

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(*contexts(authority, server, stranger), "localhost")


def test_fingerprint_is_that_of_the_certificate_sent(authority):
    client = authority.issue_client("a.example")
    der = ssl.PEM_cert_to_DER_cert(client.certificate.read_text())

    assert client.sha256() == hashlib.sha256(der).hexdigest()


def test_keys_are_for_their_owner_only(server):
    assert server.key.stat().st_mode & 0o077 == 0
