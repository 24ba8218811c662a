"""Which keys are taken out of a document, and which of them a token may have been signed with."""

from __future__ import annotations

import json

import pytest

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from epcscfd.tokens.keys import ASYMMETRIC, MOST_KEYS, KeySet, KeysRefused
from tests.vectors.signing import an_ec_key, an_ed25519_key, an_rsa_key, jwks


EC, EC2, RSA, ED = an_ec_key(), an_ec_key("ec-2", seed=2), an_rsa_key(), an_ed25519_key()
MESSAGE = b"header.claims"


def of(*members):
    return KeySet.from_jwks(json.dumps({"keys": list(members)}).encode())


def names(keys):
    return [key.kid for key in keys]


# --- JWKS ---------------------------------------------------------------------------------------


def test_keys_of_all_kinds_are_taken():
    found = KeySet.from_jwks(jwks(EC, RSA, ED))

    assert names(found.keys) == ["ec-1", "rsa-1", "ed-1"]


@pytest.mark.parametrize(
    "key",
    [EC, RSA, ED, an_ec_key(algorithm="ES384"), an_ec_key(algorithm="ES512")],
    ids=lambda key: key.algorithm,
)
def test_a_key_verifies_what_it_has_signed(key):
    (found,) = of(key.jwk()).find(key.kid, key.algorithm)

    assert found.verifies(key.algorithm, MESSAGE, key.sign(MESSAGE))
    assert not found.verifies(key.algorithm, MESSAGE + b"!", key.sign(MESSAGE))
    assert not found.verifies(key.algorithm, MESSAGE, b"")


def test_one_signature_has_two_names_on_curve_25519():
    (found,) = of(ED.jwk(alg="")).find("ed-1", "Ed25519")

    assert found.verifies("Ed25519", MESSAGE, ED.sign(MESSAGE))


@pytest.mark.parametrize(
    "secret",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hmac"},
        {"kty": "oct", "kid": "hmac"},
        {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"},
        {"kty": "OKP", "crv": "Ed25519", "x": "x", "d": "d"},
        {"kty": "RSA", "n": "n", "e": "AQAB", "p": "p"},
        {"kty": "new", "k": "k"},
    ],
)
@pytest.mark.req("SX-19")
def test_a_set_with_a_secret_is_refused_whole(secret):
    with pytest.raises(KeysRefused, match="symmetric or private"):
        of(EC.jwk(), secret)


@pytest.mark.parametrize(
    "useless",
    [
        EC2.jwk(use="enc"),
        EC2.jwk(key_ops=["sign"]),
        EC2.jwk(key_ops="verify"),
        EC2.jwk(alg="ES384"),
        EC2.jwk(alg="HS256"),
        EC2.jwk(alg=["ES256"]),
        EC2.jwk(kid=7),
        EC2.jwk(kty="new"),
        EC2.jwk(kty=7),
        EC2.jwk(kty=""),
        EC2.jwk(crv="P-999"),
        EC2.jwk(crv=["P-256"]),
        EC2.jwk(x="AA"),
        EC2.jwk(x=7),
        EC2.jwk(x="!"),
        EC2.jwk(y=EC.jwk()["y"]),
        RSA.jwk(n="AQAB"),
        RSA.jwk(n=7),
        RSA.jwk(e="AQ"),
        ED.jwk(x="AA"),
        ED.jwk(crv="X25519"),
    ],
    ids=str,
)
def test_a_key_of_no_use_is_left_out(useless):
    assert names(of(useless, EC.jwk()).keys) == ["ec-1"]


def test_a_key_that_anybody_could_break_is_left_out():
    weak = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)

    assert names(of(weak | {"kid": "weak"}, EC.jwk()).keys) == ["ec-1"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"keys": null}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [null]}',
        b'{"keys": ["ec-1"]}',
        b'{"keys": [], "keys": []}',
        b'{"keys": [{"kty": "EC"}]}',
        json.dumps({"keys": [EC.jwk()] * (MOST_KEYS + 1)}).encode(),
        jwks(EC) + b" " * 262_144,
    ],
    ids=lambda document: str(document[:30]),
)
def test_a_document_without_a_usable_key_is_refused(document):
    with pytest.raises(KeysRefused):
        KeySet.from_jwks(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
members = st.sampled_from([EC.jwk(), RSA.jwk(), ED.jwk()])
fields = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops"])


@given(members, fields, json_values)
def test_reading_a_jwks_is_total(member, field, value):
    found = of(EC2.jwk(), member | {field: value})

    assert "ec-2" in names(found.keys)


# --- PEM ----------------------------------------------------------------------------------------


def test_keys_are_taken_out_of_pem():
    found = KeySet.from_pem(f"\n{EC.pem()}\n{RSA.pem()}{ED.pem()}")

    assert names(found.keys) == [None, None, None]
    assert len(found.find("any name", "ES256")) == 1


def in_pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        EC.pem() + "and more",
        "and more" + EC.pem(),
        EC.pem() * (MOST_KEYS + 1),
        EC.pem().replace("PUBLIC KEY", "CERTIFICATE"),
        EC.pem().replace("PUBLIC", "PRIVATE"),
        EC.pem()[:60] + "AAAA" + EC.pem()[64:],
        EC.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        in_pem(dsa.generate_private_key(1024).public_key()),
        in_pem(ed448.Ed448PrivateKey.generate().public_key()),
        in_pem(ec.generate_private_key(ec.SECP256K1()).public_key()),
    ],
    ids=lambda text: text.replace("\n", "")[:30],
)
def test_pem_without_a_usable_key_or_with_anything_else_is_refused(text):
    with pytest.raises(KeysRefused):
        KeySet.from_pem(text)


# --- Finding ------------------------------------------------------------------------------------


def test_a_name_finds_its_key_and_no_other():
    found = KeySet.from_jwks(jwks(EC, EC2, RSA))

    assert names(found.find("ec-2", "ES256")) == ["ec-2"]
    assert names(found.find("ec-3", "ES256")) == []
    assert names(found.find("rsa-1", "ES256")) == []
    assert names(found.find("rsa-1", "PS256")) == []


def test_a_token_without_a_name_is_tried_with_the_one_key_of_its_algorithm():
    assert names(KeySet.from_jwks(jwks(EC, RSA)).find(None, "ES256")) == ["ec-1"]
    assert names(KeySet.from_jwks(jwks(EC, EC2)).find(None, "ES256")) == []
    assert names(KeySet.from_jwks(jwks(RSA)).find(None, "ES256")) == []


def test_keys_without_names_answer_to_any():
    both = KeySet.from_pem(EC.pem() + EC2.pem())

    assert len(both.find("any", "ES256")) == len(both.find(None, "ES256")) == 2


def test_where_some_keys_have_names_a_name_goes_first():
    mixed = of(EC.jwk(), EC2.jwk(kid=""))

    assert names(mixed.find("ec-1", "ES256")) == ["ec-1"]
    assert names(mixed.find("other", "ES256")) == [None]
    assert names(mixed.find(None, "ES256")) == []


def test_nobody_who_can_verify_can_sign():
    assert not {name for name in ASYMMETRIC if name.startswith("HS")}
    assert "none" not in ASYMMETRIC
