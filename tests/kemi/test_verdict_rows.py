from __future__ import annotations

import re

import pytest

from hypothesis import given
from hypothesis import strategies as st

from authorizer.rows import UnsafeVerdictError, accept_row, forward_row, refusal_row
from epcscf.control.v1 import control_pb2 as pb
from tests.kemi.builders import KEMI, a_forward, a_refusal, an_acceptance, decoded, selected


FORWARD_TEXTS = (
    "impi",
    "impu",
    "subject",
    "request_uri",
    "authorization",
    "visited_network_id",
    "charging_parameters",
    "expired_challenge",
)
INTO_ROWS_AS_THEY_ARE = ("subject", "scope", "stamp", "decision")
"Everything else is base64."

hostile = st.text(st.sampled_from("\r\n\0|a")) | st.text()


def fields_named_in(route):
    """Field names of the row that the comment of a route describes."""
    text = (KEMI / "routes" / route).read_text()
    described = re.search(r"^#   (1\|.*?)\n(?!#   )", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"\n#\s*", "", described[1]).split("|")


def test_a_forwarding_row_has_its_fields_where_the_routes_look():
    row = forward_row(a_forward(stamp="3.4.5", decision="d9"))

    assert [selected(row, number) for number in range(7)] == [
        *("1", "F", "shop/waf", "3.4.5"),
        *("1700003570", "60", "1"),
    ]
    assert decoded(row, 7) == "sip:ims.example"
    assert decoded(row, 8) == (
        'Authorization: Digest username="alice@ims.example",integrity-protected="auth-done"\r\n'
        "P-Visited-Network-ID: ims.example\r\n"
    )
    assert decoded(row, 9) == "icid-generated-at=epcscf.ims.example"
    assert decoded(row, 10) == "alice@ims.example"
    assert decoded(row, 11) == "sip:alice@ims.example"
    assert selected(row, 12) == "ab12"
    assert decoded(row, 13) == (
        'WWW-Authenticate: Bearer realm="ims.example", error="invalid_token"\r\n'
    )
    assert selected(row, 14) == "d9"


def test_an_accepting_row_has_its_fields_where_a_forwarding_one_has_them():
    row = accept_row(an_acceptance(stamp="3.4.5"))

    assert len(row.split("|")) == len(forward_row(a_forward()).split("|"))
    assert [selected(row, number) for number in range(7)] == [
        *("1", "A", "shop/waf", "3.4.5"),
        *("1700003570", "60", "0"),
    ]
    assert decoded(row, 7) == decoded(row, 11) == "sip:guest7@ims.example"
    assert decoded(row, 8) == "P-Associated-URI: <sip:guest7@ims.example>\r\n"
    assert decoded(row, 10) == "guest7@hotel.example"
    assert selected(row, 12) == "cd34"


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("field", ["impi", "impu", "subject", "associated_uri"])
@pytest.mark.parametrize("mark", ["\r", "\n", "\0"])
def test_an_acceptance_that_would_break_a_header_makes_no_row(field, mark):
    with pytest.raises(UnsafeVerdictError):
        accept_row(an_acceptance(**{field: f"a{mark}b"}))


def test_a_refusing_row_has_its_fields_where_the_routes_look():
    verdict = a_refusal(
        status=401,
        phrase="Unauthorized",
        retry_after=5,
        connection=pb.CONNECTION_KEEP,
        challenges=['Bearer realm="a"', 'Bearer realm="b"'],
        revision=12,
    )
    row = refusal_row(verdict)

    assert [selected(row, number) for number in range(4)] == ["1", "R", "12", "401"]
    assert decoded(row, 4) == "Unauthorized"
    assert [selected(row, number) for number in (5, 6, 8)] == ["keep", "5", "d1"]
    assert decoded(row, 7) == (
        'WWW-Authenticate: Bearer realm="a"\r\nWWW-Authenticate: Bearer realm="b"\r\n'
    )


def test_a_refusal_without_challenge_has_an_empty_field_for_it():
    assert selected(refusal_row(a_refusal()), 7) == ""


@pytest.mark.parametrize(
    ("row", "route"),
    [(forward_row(a_forward()), "apply.cfg"), (refusal_row(a_refusal()), "refuse.cfg")],
)
def test_a_row_has_the_fields_that_the_route_describes(row, route):
    assert len(row.split("|")) == len(fields_named_in(route))


@pytest.mark.parametrize(
    ("connection", "word"),
    [
        (pb.CONNECTION_KEEP, "keep"),
        (pb.CONNECTION_CLOSE, "close"),
        (pb.CONNECTION_KEEP_IF_REGISTERED, "keep_if_registered"),
        (pb.CONNECTION_UNSPECIFIED, "close"),
        (99, "close"),
    ],
)
def test_what_becomes_of_the_connection_is_close_if_in_doubt(connection, word):
    assert selected(refusal_row(a_refusal(connection=connection)), 5) == word


@pytest.mark.parametrize("status", [0, 100, 200, 302, 399, 700])
def test_a_refusal_refuses(status):
    with pytest.raises(UnsafeVerdictError, match=str(status)):
        refusal_row(a_refusal(status=status))


@pytest.mark.parametrize("status", [400, 699])
def test_every_refusing_status_is_one(status):
    assert selected(refusal_row(a_refusal(status=status)), 3) == str(status)


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("mark", ["\r", "\n", "\0"])
@pytest.mark.parametrize("field", [*FORWARD_TEXTS, "scope", "stamp", "decision"])
def test_a_line_break_or_nul_stays_out_of_a_forwarding_row(field, mark):
    with pytest.raises(UnsafeVerdictError):
        forward_row(a_forward(**{field: f"a{mark}P-Asserted-Identity: <sip:eve@x>"}))


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("mark", ["\r", "\n", "\0"])
@pytest.mark.parametrize("field", ["phrase", "challenges", "decision"])
def test_a_line_break_or_nul_stays_out_of_a_refusing_row(field, mark):
    text = f"a{mark}Contact: <sip:eve@x>"

    with pytest.raises(UnsafeVerdictError):
        refusal_row(a_refusal(**{field: [text] if field == "challenges" else text}))


@pytest.mark.parametrize("field", INTO_ROWS_AS_THEY_ARE)
def test_a_separator_stays_out_of_a_field_that_is_not_encoded(field):
    with pytest.raises(UnsafeVerdictError):
        forward_row(a_forward(**{field: "a|b"}))


@pytest.mark.req("SX-2")
@given(st.fixed_dictionaries(dict.fromkeys((*FORWARD_TEXTS, "scope", "decision"), hostile)))
def test_whatever_a_verdict_says_no_row_can_be_broken_by_it(texts):
    try:
        row = forward_row(a_forward(**texts))
    except UnsafeVerdictError:
        assert any(mark in text for text in texts.values() for mark in "\r\n\0|")
    else:
        headers = decoded(row, 8).split("\r\n")
        assert not set(row) & set("\r\n\0")
        assert len(row.split("|")) == 17
        assert headers == [
            f"Authorization: {texts['authorization']}",
            f"P-Visited-Network-ID: {texts['visited_network_id']}",
            "",
        ]
        assert not set("".join(headers)) & set("\r\n\0")


@pytest.mark.req("SX-2")
@given(phrase=hostile, decision=hostile, challenges=st.lists(hostile))
def test_whatever_a_refusal_says_no_row_can_be_broken_by_it(phrase, decision, challenges):
    try:
        row = refusal_row(a_refusal(phrase=phrase, decision=decision, challenges=challenges))
    except UnsafeVerdictError:
        texts = [phrase, decision, *challenges]
        assert any(mark in text for text in texts for mark in "\r\n\0|")
    else:
        lines = decoded(row, 7).split("\r\n")[:-1]
        assert not set(row) & set("\r\n\0")
        assert len(row.split("|")) == 9
        assert lines == [f"WWW-Authenticate: {value}" for value in challenges]
