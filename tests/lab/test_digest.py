"""Digest parameters are read strictly, and challenges answered as RFC 7616 computes it."""

from __future__ import annotations

import pytest

from lab.digest import answer_challenge, auth_parameters


def test_parameters_are_unquoted_and_their_names_lower_cased():
    value = 'Digest Username="a\\"b", realm="x, y",nonce="",qop=auth , Response=""'

    assert auth_parameters(value) == {
        "username": 'a"b',
        "realm": "x, y",
        "nonce": "",
        "qop": "auth",
        "response": "",
    }


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="a", realm="b"',
        'Digest realm="a", REALM="a"',
        'Digest realm="a" nonce="b"',
        'Digest realm="a',
        "Digest realm",
    ],
)
def test_ambiguous_parameters_are_refused(value):
    with pytest.raises(ValueError, match="realm"):
        auth_parameters(value)


def test_answer_is_computed_from_all_that_was_asked():
    """By hand: MD5(MD5(u:r:p):n:00000001:lab:auth:MD5(REGISTER:sip:r)), with md5sum."""
    challenge = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'

    answer = auth_parameters(answer_challenge(challenge, "u", "p", "sip:r"))

    assert answer.pop("response") == "e18bb9a6803a6bef38d1f5380c13a1ad"
    assert answer == {
        "username": "u",
        "realm": "r",
        "nonce": "n",
        "uri": "sip:r",
        "algorithm": "MD5",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "lab",
    }
