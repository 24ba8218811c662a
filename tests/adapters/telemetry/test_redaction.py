"""No token gets into the log (SX-3), whoever writes the line and in whatever form."""

from __future__ import annotations

import json
import logging

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jwt
import msgspec
import pytest
import structlog

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.telemetry.redaction import BEARER, JWT, LONG, is_flat, is_suspect, redact
from tests.fakes.log import logging_as


if TYPE_CHECKING:
    import io

    from collections.abc import Iterator

SECRET = "a secret that only this test signs with, long enough for HS256"

tokens = st.builds(
    lambda claims: jwt.encode(claims, SECRET, algorithm="HS256"),
    st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=6),
)
opaque = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=66)
b64tokens = st.from_regex(r"[A-Za-z0-9._~+/-]{16,80}=?", fullmatch=True)
prose = st.text(st.characters(codec="ascii", categories=("L", "P", "Z")), max_size=30)

FORMS = (
    "Bearer {}",
    "bearer\t{}",
    "BEARER  {}",
    'Bearer access_token="{}"',
    "Bearer access_token={}",
    "access_token={}&x=1",
    '{{"access_token": "{}"}}',
    "{{'Authorization': 'Bearer {}'}}",
)


def fragments(token: str) -> set[str]:
    return {token[start : start + 16] for start in range(len(token) - 15)}


@given(tokens, prose, prose)
def test_a_jwt_leaves_nothing_behind(token: str, before: str, after: str) -> None:
    redacted = redact(f"{before} {token} {after}")

    assert not [fragment for fragment in fragments(token) if fragment in redacted]


@given(opaque, prose)
def test_a_long_opaque_token_leaves_nothing_behind(token: str, before: str) -> None:
    redacted = redact(f"{before} {token}")

    assert not [fragment for fragment in fragments(token) if fragment in redacted]


@given(b64tokens, st.sampled_from(FORMS))
def test_whatever_follows_the_scheme_goes(token: str, form: str) -> None:
    redacted = redact(form.format(token))

    assert not [fragment for fragment in fragments(token) if fragment in redacted]


@given(st.from_regex(BEARER) | st.from_regex(JWT))
def test_what_could_be_a_token_makes_the_line_suspect(text: str) -> None:
    assert is_suspect(text)
    assert is_suspect(msgspec.json.encode({"field": text}).decode())


@pytest.mark.parametrize(
    "text", ["ACCE\u017f\u017f_TO\u212aEN=0815", "\neyJhbGciOiJub25lIn0.e30."]
)
def test_no_letter_case_and_no_escape_hides_a_token(text: str) -> None:
    with logging_as("json") as stream:
        structlog.get_logger().info("some.event", text=text)

    assert redact(text) != text
    assert json.loads(stream.getvalue())["text"] == redact(text)


@given(st.from_regex(LONG))
def test_an_event_with_a_long_text_is_looked_at_text_by_text(text: str) -> None:
    assert not is_flat({"field": text})


@pytest.mark.parametrize("value", [["a"], {"a": "b"}, b"a", object()])
def test_an_event_with_more_than_figures_and_texts_is_too(value: object) -> None:
    assert not is_flat({"field": value})


@pytest.mark.parametrize(
    "text",
    [
        "alice@subscribers.operator-network.example",
        "https://auth.socialnet.example/.well-known/jwks.json",
        "sip:+4989123456789@ims.mnc001.mcc262.3gppnetwork.org",
        "z9hG4bK-524287-1---a55f5a3fb2c1e0c5;rport",
        "7e6d0e2e4b869329e6be0ad663afb3f5239e068fa0364d3a785ded11cccdfea9",
    ],
)
def test_what_operators_look_for_stays(text: str) -> None:
    assert redact(text) == text


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    with logging_as(request.param) as stream:
        yield stream


TOKEN = jwt.encode({"sub": "alice", "jti": "0815"}, SECRET, algorithm="HS256")


def choke(token: str) -> None:
    raise ValueError(f"cannot read {token!r}")


@pytest.mark.req("SX-3")
def test_events_exceptions_and_lines_of_libraries_are_redacted(log: io.StringIO) -> None:
    opaque_token = "0123456789abcdef" * 2
    structlog.get_logger().info("some.event", header=f"Bearer {TOKEN}", nested=[{"t": TOKEN}])
    logging.getLogger("library").warning("sent %s", f"Authorization: Bearer {opaque_token}")
    try:
        choke(TOKEN)
    except ValueError:
        structlog.get_logger().exception("some.failure")

    written = log.getvalue()
    assert "some.event" in written
    assert "sent Authorization: Bearer [token" in written
    assert "ValueError" in written
    assert not [part for part in TOKEN.split(".") if part in written]
    assert opaque_token not in written


def hold(secret: str) -> None:
    assert secret
    raise ValueError("told nothing")


def test_tracebacks_show_no_local_variables(log: io.StringIO) -> None:
    secret = "short-" + "secret"
    try:
        hold(secret)
    except ValueError:
        structlog.get_logger().exception("some.failure")

    assert "ValueError" in log.getvalue()
    assert "short-secret" not in log.getvalue()


def test_a_line_of_json_is_one_object_with_level_and_time() -> None:
    with logging_as("json") as stream:
        structlog.get_logger().info("some.event", answer=42)
        structlog.get_logger().debug("not.said")

    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert {"event": "some.event", "level": "info", "answer": 42}.items() <= event.items()
    assert datetime.fromisoformat(event["timestamp"]).tzinfo == UTC
    assert event["timestamp"].endswith("Z")
