"""What is delivered, how it is signed, and how patience grows."""

from __future__ import annotations

import hashlib
import hmac
import json

from datetime import timedelta

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Cause
from epcscfd.domain.release import Event, Release
from epcscfd.domain.webhook import (
    LONGEST_PAUSE,
    SIGNATURE,
    Webhook,
    flaw_of_url,
    pause_after,
    posting_of,
)
from tests.builders import NOW, from_now


SECRET = "k" * 32
EVENT = Event(
    "5f0c2d1e9a7b4c33",
    17,
    Release(
        time=NOW,
        wwsf=WwsfId("shop"),
        impi="alice@home1.net",
        impu="sip:alice@home1.net",
        cause=Cause.CLIENT,
        may_return_until=from_now(60),
    ),
)
WEBHOOK = Webhook(WwsfId("shop"), "https://shop.example/released", SECRET, 16)


def test_what_is_delivered_says_all_that_a_pool_needs() -> None:
    posting = posting_of(EVENT, WEBHOOK, NOW)

    assert json.loads(posting.body) == {
        "id": "5f0c2d1e9a7b4c33-17",
        "sequence": 17,
        "type": "identity.released",
        "time": "2026-03-01T12:00:00+00:00",
        "wwsf": "shop",
        "impi": "alice@home1.net",
        "impu": "sip:alice@home1.net",
        "cause": "client",
        "may_return_until": "2026-03-01T12:01:00+00:00",
    }
    assert dict(posting.headers)["Idempotency-Key"] == "5f0c2d1e9a7b4c33-17"


def test_a_receiver_verifies_it_by_the_recipe() -> None:
    posting = posting_of(EVENT, WEBHOOK, from_now(5))

    fields = dict(part.split("=", 1) for part in dict(posting.headers)[SIGNATURE].split(","))
    signed = f"{fields['t']}.".encode() + posting.body
    assert fields["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert int(fields["t"]) == int(from_now(5).timestamp())


def test_the_same_event_is_the_same_body_whenever_it_is_delivered() -> None:
    assert posting_of(EVENT, WEBHOOK, NOW).body == posting_of(EVENT, WEBHOOK, from_now(99)).body


def test_no_representation_shows_the_secret() -> None:
    assert SECRET not in repr(WEBHOOK)
    assert "v1=" not in repr(posting_of(EVENT, WEBHOOK, NOW))


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("https://shop.example/released", ""),
        ("https://shop.example:8443/a?b=c", ""),
        ("http://shop.example/", "is not https"),
        ("http://127.0.0.1:8080/", "is not https"),
        ("ftp://shop.example/", "is not https"),
        ("https://", "names no host"),
        ("https://user:pw@shop.example/", "must have neither user nor fragment"),
        ("https://shop.example/#a", "must have neither user nor fragment"),
        ("https://shop.example:99999/", "is no URL"),
        ("https://shop.example/a b", "is no URL, or longer than 2048 characters"),
        ("https://shop.example/" + "a" * 2048, "is no URL, or longer than 2048 characters"),
        ("https://[::1", "is no URL"),
    ],
)
def test_events_go_over_https_only(url: str, flaw: str) -> None:
    assert flaw_of_url(url, http_to_loopback=False) == flaw


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080/", True),
        ("http://localhost/", True),
        ("http://10.0.0.1/", False),
        ("http://127.0.0.1.example/", False),
    ],
)
def test_clear_text_stays_on_this_machine(url: str, *, allowed: bool) -> None:
    assert (flaw_of_url(url, http_to_loopback=True) == "") is allowed


@given(st.integers(1, 1000), st.floats(0, 1))
def test_pauses_grow_and_are_spread(attempts: int, lot: float) -> None:
    pause = pause_after(attempts, lot)

    assert timedelta(seconds=0.5) <= pause <= LONGEST_PAUSE * 1.5
    assert pause <= pause_after(attempts + 1, lot)
    assert pause_after(attempts, 0) * 3 >= pause_after(attempts, 1) * 0.99
