"""What an Authorization header offers (RFC 6750 2.1, TS 24.371 A.3.2)."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.credentials import (
    LONGEST_AUTHORIZATION,
    LONGEST_TOKEN,
    BearerToken,
    parse_authorization,
)
from epcscfd.domain.reasons import Reason
from tests.vectors.loading import vectors


b64tokens = st.from_regex(r"[A-Za-z0-9\-._~+/]+=*", fullmatch=True)


@pytest.mark.req("S001-16", "SX-24")
@pytest.mark.parametrize("vector", vectors("credentials.toml"))
def test_authorization(vector):
    expected = BearerToken(vector["token"]) if "token" in vector else Reason(vector["reason"])

    assert expected == parse_authorization(vector["value"])


@pytest.mark.req("S001-16")
@given(b64tokens)
def test_both_forms_carry_the_same_token(token):
    assert BearerToken(token) == parse_authorization(f"Bearer {token}")
    assert BearerToken(token) == parse_authorization(f'Bearer access_token="{token}"')


@given(st.text() | st.text().map("Bearer {}".format) | st.text().map("Digest {}".format))
def test_reading_is_total(value):
    assert isinstance(parse_authorization(value), BearerToken | Reason)


@given(st.text(max_size=10).map('Digest a="b", Bearer {}'.format))
def test_no_bearer_hides_behind_another_scheme(value):
    assert not isinstance(parse_authorization(value), BearerToken)
    assert parse_authorization(value) is not Reason.CREDENTIALS_OTHER_SCHEME


@pytest.mark.req("S001-16")
@pytest.mark.parametrize("form", ["Bearer {}", 'Bearer access_token="{}", realm="home1.net"'])
def test_a_token_has_a_longest_form(form):
    longest = "a" * LONGEST_TOKEN

    assert BearerToken(longest) == parse_authorization(form.format(longest))
    assert parse_authorization(form.format(longest + "a")) is Reason.CREDENTIALS_TOO_LONG


def test_parameters_beside_a_token_have_their_bounds():
    longest = 'Bearer access_token="abc", realm="'.ljust(LONGEST_AUTHORIZATION - 1, "a") + '"'

    assert BearerToken("abc") == parse_authorization(longest)
    assert parse_authorization(longest + " ") is Reason.CREDENTIALS_TOO_LONG


@given(st.text("abcdefgh.", min_size=12))
def test_a_token_does_not_show_itself(token):
    assert token not in repr(BearerToken(token))


def test_two_tokens_show_themselves_differently():
    assert repr(BearerToken("abc")) != repr(BearerToken("abd"))
