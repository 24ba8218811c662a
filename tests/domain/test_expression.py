"""POSIX extended regular expressions, and what only looks like them."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.expression import ALPHABET, OneOf, Repeat, Sequence, parse_expression
from epcscfd.domain.identity import MalformedIdentity
from epcscfd.domain.wildcard import compile_expression


def of_brackets(text):
    """The characters that a bracket expression stands for."""
    bracket = parse_expression(text)
    assert isinstance(bracket, OneOf)
    return sorted(bracket.characters)


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("[abc]", "abc"),
        ("[a-c]", "abc"),
        ("[]a]", "]a"),
        ("[a-]", "-a"),
        ("[-a]", "-a"),
        ("[+--]", "+,-"),
        ("[[a]", "[a"),
        ("[a|b]", "ab|"),
        ("[.*$^]", "$*.^"),
        ("[[:digit:]]", "0123456789"),
        ("[[:xdigit:]x]", "0123456789ABCDEFabcdefx"),
        ("[[:space:][:cntrl:]]", " "),
        ("a", "a"),
        (r"\.", "."),
        (r"\$", "$"),
        ("]", "]"),
        ("}", "}"),
    ],
)
def test_one_character_out_of_several(text, characters):
    assert sorted(characters) == of_brackets(text)


@pytest.mark.parametrize("text", ["[^a]", "[^]]", "[^[:digit:]]", "[^a-z-]", "."])
def test_brackets_and_their_complements_agree_with_re2(text):
    matches = compile_expression(text).fullmatch

    assert {each for each in ALPHABET if matches(each.encode())} == set(of_brackets(text))


CLASSES = [
    *("alnum", "alpha", "blank", "cntrl", "digit", "graph"),
    *("lower", "print", "punct", "space", "upper", "xdigit"),
]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_agree_with_re2(name):
    compiled = compile_expression(f"[[:{name}:]]")

    assert {each for each in ALPHABET if compiled.fullmatch(each)} == set(
        of_brackets(f"[[:{name}:]]")
    )


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("a*", 0, None),
        ("a+", 1, None),
        ("a?", 0, 1),
        ("a{3}", 3, 3),
        ("a{3,}", 3, None),
        ("a{3,5}", 3, 5),
        ("a{0}", 0, 0),
        ("a{1000}", 1000, 1000),
    ],
)
def test_repetition(text, least, most):
    assert Repeat(OneOf(frozenset("a")), least, most) == parse_expression(text)


@pytest.mark.parametrize("text", ["^a$", "^a", "a$", "a"])
def test_anchors_at_the_ends_say_nothing(text):
    assert OneOf(frozenset("a")) == parse_expression(text)
    assert Sequence(()) == parse_expression("^$")


REFUSED = {
    "": "1 to 256 characters",
    "a" * 257: "1 to 256 characters",
    "ü": "no identity contains",
    "a\n": "no identity contains",
    r"(a)\1": r"`\1` is no POSIX",
    r"\d": r"`\d` is no POSIX",
    r"\bwic": r"`\b` is no POSIX",
    r"\Qa\E": r"`\Q` is no POSIX",
    r"\_": r"`\_` is no POSIX",
    "a\\": "at the end",
    "(?i)a": "`(?` is no POSIX",
    "(?=a)b": "`(?` is no POSIX",
    "(?!a)b": "`(?` is no POSIX",
    "(?<=a)b": "`(?` is no POSIX",
    "(?:a)": "`(?` is no POSIX",
    "(a": "`(` without `)`",
    "a)": "`)` without `(`",
    "a)|(b": "`)` without `(`",
    "[a": "`[` without `]`",
    "[]": "`[` without `]`",
    "[^]": "`[` without `]`",
    "[": "`[` without `]`",
    "[z-a]": "is no range",
    "[a-": "from character to character",
    "[a-[:digit:]]": "from character to character",
    "[a-c-e]": "stands first or last",
    "[--a]": "is no range",
    r"[\d]": "within brackets",
    r"[\]]": "within brackets",
    r"[a-\]]": "from character to character",
    "[[.a.]]": "POSIX's own classes",
    "[[=a=]]": "POSIX's own classes",
    "[[:word:]]": "POSIX's own classes",
    "[[:^alpha:]]": "POSIX's own classes",
    "[[:alpha]": "POSIX's own classes",
    "*a": "nothing before it",
    "a|*": "nothing before it",
    "(+)": "nothing before it",
    "^*": "nothing before it",
    "{2}": "nothing before it",
    "a**": "two quantifiers",
    "a+?": "two quantifiers",
    "a{2}{3}": "two quantifiers",
    "a{": "`{` is for repetition",
    "a{,3}": "`{` is for repetition",
    "a{x}": "`{` is for repetition",
    "a{3,2}": "from n to m",
    "a{1001}": "at most 1000",
    "a{0,1001}": "at most 1000",
    "a^b": "in the middle",
    "a$b": "in the middle",
    "(^a)": "in the middle",
}


@pytest.mark.req("S001-24")
@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=map(repr, REFUSED))
def test_what_is_no_posix_expression_is_refused_with_the_reason(text, why):
    with pytest.raises(MalformedIdentity) as refused:
        parse_expression(text)

    assert why in str(refused.value)


@given(st.text("ab1-^$.*+?{},|()[]:\\!", max_size=10))
def test_what_is_read_here_is_read_by_re2_too(text):
    try:
        parse_expression(text)
    except MalformedIdentity:
        return
    compile_expression(text)
