"""The judge: what it asks, in which order, and what it writes down."""

from __future__ import annotations

import asyncio

from dataclasses import replace
from datetime import timedelta

import pytest

from epcscfd.app.judge import RegisterJudge, random_decision_id
from epcscfd.domain.policy import EntityState, PemKeys
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Accept, Forward
from epcscfd.domain.revocation import Revocations
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.introspector import Introspector
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.ledger import OneTimeLedger
from epcscfd.tokens.verifier import JwtVerifier
from epcscfd.tokens.verifying import EntityVerifier
from tests.builders import (
    NOW,
    a_fault,
    a_policy,
    a_revocation,
    a_token,
    a_wwsf,
    an_entity,
    register_facts,
    some_rules,
)
from tests.fakes.memory import (
    MemoryBlocks,
    MemoryJournal,
    MemoryPolicySource,
    MemoryRevocations,
    MemoryTokenWatch,
)
from tests.fakes.verifier import FakeVerifier
from tests.vectors.signing import a_jwt, an_ec_key, some_claims
from tests.vectors.tokens import attacks


@pytest.fixture
def journal():
    return MemoryJournal()


@pytest.fixture
def policies():
    return MemoryPolicySource(a_policy())


@pytest.fixture
def revocations():
    return MemoryRevocations()


@pytest.fixture
def judge_with(clock, journal, policies, revocations):
    def make(verifier):
        return RegisterJudge(
            policies=policies,
            verifier=verifier,
            ledger=OneTimeLedger(clock, timedelta(seconds=30)),
            revocations=revocations,
            blocks=MemoryBlocks(),
            journal=journal,
            clock=clock,
            rules=some_rules(),
            new_decision_id=lambda: f"d{len(journal.judgements) + 1}",
        )

    return make


@pytest.fixture
async def real_judge(judge_with, clock, policies, tmp_path):
    watch = MemoryTokenWatch()
    keyring = Keyring(clock, watch, KeyLives())
    introspector = Introspector(clock, watch, CredentialStore(tmp_path, {}))
    policies.policy = a_policy(entities=[an_entity(keys=PemKeys(an_ec_key().pem()))])
    yield judge_with(EntityVerifier(JwtVerifier(keyring), introspector, watch))
    await keyring.close()


def bearer(**claims):
    return register_facts(authorization=f"Bearer {a_jwt(an_ec_key(), some_claims(**claims))}")


def at_once(judge, facts):
    (outcome,) = judge.judge_at_once([facts])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


# --- With and without waiting -------------------------------------------------------------------


def test_what_needs_no_waiting_is_judged_at_once(judge_with, journal):
    judgement = at_once(judge_with(FakeVerifier(a_token())), register_facts())

    assert isinstance(judgement.decision, Forward)
    assert ("d1", NOW, timedelta(0)) == (judgement.decision_id, judgement.time, judgement.took)
    assert [judgement] == journal.judgements


def test_what_needs_waiting_is_not_judged_at_once_and_not_written_down(judge_with, journal):
    judge = judge_with(FakeVerifier(a_token(), at_once=False))

    assert at_once(judge, register_facts()) is None
    assert journal.judgements == []


@pytest.mark.parametrize("authorization", ["", "Digest x", "Bearer a b"])
async def test_without_a_token_nobody_is_asked(authorization, judge_with, journal):
    verifier = FakeVerifier(a_token())
    judge, facts = judge_with(verifier), register_facts(authorization=authorization)

    assert at_once(judge, facts).reason == (await judge.judge(facts)).reason is not None
    assert verifier.asked == []
    assert len(journal.judgements) == 2


async def test_waiting_is_told_in_the_record(judge_with, clock):
    verifier = FakeVerifier(a_token(), at_once=False)
    judging = asyncio.create_task(judge_with(verifier).judge(register_facts()))
    await verifier.waiting.wait()
    clock.advance(2)
    verifier.released.set()

    assert timedelta(seconds=2) == (await judging).took


async def test_both_ways_come_to_the_same_judgement(real_judge):
    judgement = at_once(real_judge, bearer())

    assert replace(judgement, decision_id="d2") == await real_judge.judge(bearer())


# --- Many at once -------------------------------------------------------------------------------


class Breaking:
    """Vouches for whoever comes, but waits for some and breaks on others."""

    def open_at_once(self, token, wwsf, policy):
        match token.value:
            case "slow":
                return None
            case "broken":
                raise ZeroDivisionError
            case "broken-inside":
                return lambda: 1 // 0
            case _:
                return a_token


def test_each_has_its_own_outcome_in_the_order_of_the_questions(judge_with, journal):
    tokens = ("good", "broken", "slow", "broken-inside", "good-too")
    asked = [register_facts(authorization=f"Bearer {t}", call_id=t) for t in tokens]
    first, broken, slow, inside, last = judge_with(Breaking()).judge_at_once(asked)

    assert [first, last] == journal.judgements
    assert (first.call_id, last.call_id) == ("good", "good-too")
    assert (type(broken), slow, type(inside)) == (ZeroDivisionError, None, ZeroDivisionError)


# --- When the policy changes meanwhile ----------------------------------------------------------


async def test_an_entity_that_is_barred_meanwhile_vouches_no_more(judge_with, policies):
    verifier = FakeVerifier(a_token(), at_once=False)
    judging = asyncio.create_task(judge_with(verifier).judge(register_facts()))
    await verifier.waiting.wait()
    barred = replace(an_entity(), state=EntityState.BARRED)
    policies.policy = a_policy(entities=[barred], revision=2)
    verifier.released.set()
    judgement = await judging

    assert judgement.reason == Reason.ENTITY_BARRED
    assert judgement.revision == 2
    assert verifier.asked == [1, 2]


async def test_an_entity_that_is_deleted_meanwhile_is_no_breakdown(judge_with, policies):
    verifier = FakeVerifier(a_token(), at_once=False)
    judging = asyncio.create_task(judge_with(verifier).judge(register_facts()))
    await verifier.waiting.wait()
    verifier.assertion = a_fault("entity_unknown")
    policies.policy = a_policy(entities=[], revision=2)
    verifier.released.set()

    assert (await judging).reason == Reason.ENTITY_UNKNOWN


# --- One-time tokens ----------------------------------------------------------------------------


@pytest.fixture
def one_time(policies):
    policies.policy = a_policy(entities=[an_entity(one_time_tokens=True)])


def test_a_one_time_token_lets_through_once(judge_with, one_time):
    judge = judge_with(FakeVerifier(a_token(token_id="j1")))

    assert at_once(judge, register_facts()).reason is None
    assert at_once(judge, register_facts()).reason == Reason.TOKEN_REPLAYED


def test_a_one_time_token_that_comes_twice_at_once_lets_through_once(judge_with, one_time):
    judge = judge_with(FakeVerifier(a_token(token_id="j1")))
    outcomes = judge.judge_at_once([register_facts(), register_facts()])

    assert [outcome.reason for outcome in outcomes] == [None, Reason.TOKEN_REPLAYED]


def test_a_one_time_token_out_of_a_range_lets_through_once(judge_with, policies):
    wwsf = a_wwsf(ranges=["sip:!.*!@home1.net"])
    policies.policy = a_policy(entities=[an_entity(one_time_tokens=True)], wwsfs=[wwsf])
    judge = judge_with(FakeVerifier(a_token(token_id="j1")))

    assert isinstance(at_once(judge, register_facts()).decision, Accept)
    assert at_once(judge, register_facts()).reason == Reason.TOKEN_REPLAYED


def test_a_one_time_token_is_not_used_up_by_a_refusal(judge_with, one_time):
    judge = judge_with(FakeVerifier(a_token(token_id="j1")))
    refused = at_once(judge, register_facts(to="sip:bob@home1.net"))

    assert refused.reason == Reason.IDENTITY_NOT_ASSERTED
    assert at_once(judge, register_facts()).reason is None


def test_any_other_token_lets_through_as_often_as_one_likes(judge_with):
    judge = judge_with(FakeVerifier(a_token(token_id="j1")))

    assert [at_once(judge, register_facts()).reason for _ in range(2)] == [None, None]


# --- With real tokens ---------------------------------------------------------------------------


@pytest.mark.req("S001-17", "S002-5", "S003-23")
def test_a_good_token_becomes_a_trusted_node_registration(real_judge):
    judgement = at_once(real_judge, bearer())

    assert judgement.decision.authorization == (
        'Digest username="alice@home1.net", realm="home1.net", nonce="", uri="sip:home1.net", '
        'response="", integrity-protected="auth-done"'
    )
    assert judgement.token_id == "j1"


@pytest.mark.req("S003-21")
def test_an_expired_token_with_everything_else_right_is_reported_as_expired(real_judge):
    expired = bearer(exp=int(NOW.timestamp()) - 31)

    assert at_once(real_judge, expired).reason == Reason.TOKEN_EXPIRED


def test_an_expired_token_with_a_bad_signature_is_not_reported_as_expired(real_judge):
    claims = some_claims(exp=int(NOW.timestamp()) - 31)
    token = a_jwt(an_ec_key(seed=9), claims)
    judgement = at_once(real_judge, register_facts(authorization=f"Bearer {token}"))

    assert judgement.reason == Reason.SIGNATURE_INVALID


@pytest.mark.req("SX-3")
def test_no_token_gets_into_a_judgement(real_judge, journal):
    tokens = [a_jwt(an_ec_key()), *(attack.token for attack in attacks())]
    for token in tokens:
        for form in (f"Bearer {token}", f'Bearer access_token="{token}"'):
            facts = register_facts(authorization=form)
            written = repr((at_once(real_judge, facts), facts))

            # Nor any part of it that would be of use to anybody.
            parts = [part for part in token.split(".") if len(part) > 30]
            assert not [part for part in parts if part in written]
    assert 2 * len(tokens) == len(journal.judgements)


def test_decisions_have_names_of_their_own():
    names = {random_decision_id() for _ in range(100)}

    assert len(names) == 100
    assert {12} == {len(name) for name in names}


# --- Revocation ---------------------------------------------------------------------------------


async def test_a_revoked_token_is_refused_at_once(judge_with, revocations, journal):
    revocations.known = Revocations((a_revocation(note="stolen"),))
    judgement = at_once(judge_with(FakeVerifier(a_token())), register_facts())

    assert judgement.reason is Reason.TOKEN_REVOKED
    assert judgement.reply.status == 401
    assert judgement.detail == "revocations/r1, by subject, stolen"
    assert journal.judgements == [judgement]


async def test_what_is_revoked_while_the_token_is_verified_is_refused(judge_with, revocations):
    verifier = FakeVerifier(a_token(), at_once=False)
    judging = asyncio.create_task(judge_with(verifier).judge(register_facts()))
    await verifier.waiting.wait()
    revocations.known = Revocations((a_revocation(),))
    verifier.released.set()

    assert (await judging).reason is Reason.TOKEN_REVOKED
