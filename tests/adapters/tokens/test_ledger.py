"""One-time tokens: nobody uses one twice, whatever the clocks do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from epcscfd.domain.token import TokenUse
from epcscfd.tokens.ledger import OneTimeLedger
from tests.builders import a_token


SKEW = timedelta(seconds=30)


@pytest.fixture
def ledger(clock):
    return OneTimeLedger(clock, SKEW, size=3)


@pytest.fixture
def spend(ledger, clock):
    return lambda token: ledger.spend(token, clock.now())


def test_a_token_can_be_used_once(ledger, spend):
    token = a_token(token_id="j1")

    assert ledger.use_of(token) == TokenUse.FREE
    spend(token)
    assert ledger.use_of(token) == TokenUse.SPENT


def test_tokens_of_one_name_are_their_issuers(ledger, spend):
    spend(a_token(token_id="j1"))

    assert ledger.use_of(a_token(token_id="j1", issuer="https://b.example")) == TokenUse.FREE
    assert ledger.use_of(a_token(token_id="j2")) == TokenUse.FREE


def test_a_token_is_remembered_for_as_long_as_it_could_be_accepted(ledger, spend, clock):
    token = a_token(token_id="j1", expires_at=60)
    spend(token)

    clock.advance(89)
    assert ledger.use_of(token) == TokenUse.SPENT
    clock.advance(1)
    assert ledger.use_of(token) == TokenUse.FREE


def test_setting_the_clock_back_makes_nobody_forget(ledger, spend, clock):
    token = a_token(token_id="j1", expires_at=60)
    spend(token)

    clock.advance(80)
    clock.set_back(3600)
    assert ledger.use_of(token) == TokenUse.SPENT


def test_a_full_ledger_forgets_nobody_and_takes_nobody(ledger, spend, clock):
    spent = [a_token(token_id=f"j{number}", expires_at=60 + number) for number in range(3)]
    for token in spent:
        spend(token)

    assert {TokenUse.SPENT} == {ledger.use_of(token) for token in spent}
    assert ledger.use_of(a_token(token_id="late")) == TokenUse.UNTRACKABLE
    clock.advance(90)
    assert ledger.use_of(a_token(token_id="late")) == TokenUse.FREE
