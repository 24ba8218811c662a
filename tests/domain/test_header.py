"""Text that goes into headers (RFC 3261 25.1)."""

from __future__ import annotations

import re

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.header import UnsafeText, addressed, quotable, quoted
from epcscfd.domain.identity import Impu, MalformedIdentity


QUOTED_STRING = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[^\r\n])*)"')


@pytest.mark.req("SX-2")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '""'),
        ("waf1@thirdparty.example", '"waf1@thirdparty.example"'),
        ('a"b', r'"a\"b"'),
        (r"a\b", r'"a\\b"'),
        (r"a\"b", r'"a\\\"b"'),
        ("a, realm=x", '"a, realm=x"'),
        ("Jürgen", '"Jürgen"'),
    ],
)
def test_quoted(text, expected):
    assert expected == quoted(text)


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x7f", "\x85", "\u2028", "\ud800"])
def test_no_control_character_is_quoted(character):
    assert not quotable(f"a{character}b")
    with pytest.raises(UnsafeText):
        quoted(f"a{character}b")


@pytest.mark.req("SX-2")
@given(st.text().filter(quotable))
def test_what_is_quoted_is_one_quoted_string_and_reads_back(text):
    match = QUOTED_STRING.fullmatch(quoted(text))

    assert match
    assert text == re.sub(r"\\(.)", r"\1", match[1])


def test_an_address_stands_in_angle_brackets():
    assert addressed("sip:a,b;c?d@home1.net") == "<sip:a,b;c?d@home1.net>"


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\u2028", "<", ">", '"', " "])
def test_nothing_that_could_end_an_address_is_in_one(character):
    with pytest.raises(UnsafeText):
        addressed(f"sip:a{character}b@home1.net")


@given(st.text('aA1<>";,? %@:!\r\n', max_size=12))
def test_every_identity_is_an_address(user):
    try:
        impu = Impu.parse(f"sip:{user}@home1.net")
    except MalformedIdentity:
        return
    assert f"<{impu}>" == addressed(str(impu))
