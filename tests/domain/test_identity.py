"""Identities in canonical form (standards: TS 23.003 13, RFC 3261 19.1.4, RFC 3966)."""

from __future__ import annotations

import string

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.identity import LONGEST_IDENTITY, Impi, Impu, MalformedIdentity
from tests.vectors.loading import vectors


UNRESERVED = string.ascii_letters + string.digits + "-_.!~*'()"

labels = st.from_regex(r"[a-z](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
canonical_users = st.text(UNRESERVED + "&=+$,;?/", min_size=1, max_size=20)
canonical_impus = st.builds(Impu, st.just("sip"), canonical_users, hosts) | st.builds(
    Impu,
    st.just("tel"),
    st.text(string.digits, min_size=1, max_size=15).map("+".__add__),
    st.none(),
)
anything = st.text(max_size=40) | st.text(max_size=40).map("sip:{}@home1.net".format)


def canonical(kind: type[Impi | Impu], text: str) -> str | None:
    try:
        return str(kind.parse(text))
    except MalformedIdentity:
        return None


@pytest.mark.req("SX-26")
@pytest.mark.parametrize("vector", vectors("impu.toml"))
def test_impu(vector):
    assert vector.get("canonical") == canonical(Impu, vector["text"])


@pytest.mark.parametrize("vector", vectors("impi.toml"))
def test_impi(vector):
    assert vector.get("canonical") == canonical(Impi, vector["text"])


@pytest.mark.req("SX-26")
@given(canonical_impus)
def test_a_canonical_identity_survives_being_written_and_read(impu):
    assert impu == Impu.parse(str(impu))


@pytest.mark.req("SX-26")
@given(anything)
def test_canonicalising_twice_is_canonicalising_once(text):
    once = canonical(Impu, text)

    assert once is None or once == canonical(Impu, once)


@given(st.text(max_size=40), hosts)
def test_canonicalising_a_private_identity_twice_is_canonicalising_it_once(user, realm):
    once = canonical(Impi, f"{user}@{realm.upper()}")

    assert once is None or once == canonical(Impi, once)


@pytest.mark.req("SX-26")
@given(st.text(UNRESERVED, min_size=1, max_size=12), st.data())
def test_escaping_unreserved_characters_makes_no_other_identity(user, data):
    escape = data.draw(st.lists(st.booleans(), min_size=len(user), max_size=len(user)))
    written = "".join(
        f"%{ord(character):02x}" if escaped else character
        for character, escaped in zip(user, escape, strict=True)
    )

    assert Impu.parse(f"sip:{user}@home1.net") == Impu.parse(f"sip:{written}@home1.net")


@given(anything)
def test_no_identity_contains_a_control_character_or_a_quote(text):
    assert not set(canonical(Impu, text) or "") & set('"<> \\\r\n\t\0\x7f')


@pytest.mark.parametrize("kind", [Impi, Impu])
def test_an_identity_has_a_longest_form(kind):
    host = "home1.net"
    prefix = "sip:" if kind is Impu else ""
    longest = "a" * (LONGEST_IDENTITY - len(f"{prefix}@{host}"))

    assert canonical(kind, f"{prefix}{longest}@{host}")
    assert canonical(kind, f"{prefix}{longest}a@{host}") is None


def test_a_host_name_has_a_longest_form():
    host = ".".join(["a" * 61] * 4) + ".bcdef"

    assert canonical(Impu, f"sip:a@{host}")
    assert canonical(Impu, f"sip:a@{host}g") is None
