"""How a decision is told, for how long it holds, and what is written down about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from epcscfd.domain.edge import Stamp, edge_view
from epcscfd.domain.judgement import judge_register
from epcscfd.domain.policy import EntityId
from epcscfd.domain.reasons import Connection, Reason
from epcscfd.domain.register import Accept, Forward
from epcscfd.domain.replies import REPLIES, Lasting
from tests.builders import (
    NOW,
    a_case,
    a_domain,
    a_fault,
    a_policy,
    a_token,
    a_wwsf,
    an_entity,
    from_now,
    register_facts,
    some_rules,
)
from tests.domain.register_cases import case_of
from tests.vectors.loading import vectors


TOOK = timedelta(milliseconds=2)
HOME = 'Bearer realm="home1.net", scope="webrtc-ims-client-access-to-ims"'


def judged(case):
    return judge_register(case, "d1", TOOK)


def refused(reason, **changes):
    return judged(a_case(assertion=a_fault(reason), **changes))


# --- How long it holds --------------------------------------------------------------------------


def test_a_verdict_holds_no_longer_than_the_operator_allows():
    assert timedelta(minutes=15) == judged(a_case(assertion=a_token(expires_at=3600))).keep


def test_a_verdict_holds_no_longer_than_the_token():
    assert timedelta(seconds=600) == judged(a_case(assertion=a_token(expires_at=600))).keep


def test_a_verdict_on_a_token_that_lives_by_the_skew_holds_for_one_request():
    judgement = judged(a_case(assertion=a_token(expires_at=-5)))

    assert isinstance(judgement.decision, Forward)
    assert timedelta(0) == judgement.keep


def test_a_verdict_on_a_one_time_token_holds_for_one_request():
    policy = a_policy(entities=[an_entity(one_time_tokens=True)])

    for token in (a_token(token_id="j1"), a_token(token_id="j1", scope="openid")):
        assert timedelta(0) == judged(a_case(assertion=token, policy=policy)).keep


def test_a_verdict_that_accepts_holds_like_one_that_forwards():
    policy = a_policy(wwsfs=[a_wwsf(ranges=["sip:!.*!@home1.net"], epoch=3)])
    judgement = judged(a_case(assertion=a_token(expires_at=600), policy=policy))

    assert isinstance(judgement.decision, Accept)
    assert (timedelta(seconds=600), None) == (judgement.keep, judgement.reply)
    assert Stamp("shop/waf", "3.0.0") == judgement.stamp


@pytest.mark.parametrize(
    ("ending", "ranges"),
    [("forward", []), ("accept", ["sip:a!.*!@home1.net"]), ("refuse", ["sip:b!.*!@home1.net"])],
)
def test_a_judgement_says_how_it_ends(ending, ranges):
    assert ending == judged(a_case(policy=a_policy(wwsfs=[a_wwsf(ranges=ranges)]))).ending


def test_a_verdict_on_a_bound_token_holds_for_the_door_with_its_certificate():
    facts = register_facts(client_certificate="c0ffee")
    token = a_token(certificate="c0ffee")

    assert timedelta(seconds=600) == judged(a_case(assertion=token, facts=facts)).keep
    assert timedelta(0) == judged(a_case(assertion=token)).keep


@pytest.mark.parametrize("vector", vectors("register.toml"))
def test_a_refusal_holds_only_if_it_would_come_again(vector):
    judgement = judged(case_of(vector))
    kept = judgement.reason and REPLIES[judgement.reason].lasting is Lasting.KEPT
    one_time = vector.get("entity", {}).get("one_time_tokens")

    if judgement.reason:
        expected = timedelta(seconds=30) if kept and not one_time else timedelta(0)
        assert expected == judgement.keep


@pytest.mark.req("S002-7")
@pytest.mark.parametrize(("word", "expected"), [(60, 60), (1200, 600), (-1, 0)])
def test_a_verdict_holds_no_longer_than_word_and_token(word, expected):
    token = a_token(confirmed_until=from_now(word), expires_at=600)

    assert timedelta(seconds=expected) == judged(a_case(assertion=token)).keep


def test_a_refusal_that_follows_from_hearsay_does_not_hold():
    faulted = replace(a_fault("claims_malformed"), introspected=True)
    told = a_token(confirmed_until=from_now(60), scope="openid")

    assert judged(a_case(assertion=told)).reason == Reason.SCOPE_INSUFFICIENT
    assert {timedelta(0)} == {judged(a_case(assertion=each)).keep for each in (faulted, told)}


def test_the_operator_says_how_long_refusals_hold():
    rules = some_rules(refusal_life=5)

    assert timedelta(seconds=5) == refused("signature_invalid", rules=rules).keep


# --- How it is told -----------------------------------------------------------------------------


def test_what_goes_forward_is_not_answered():
    assert judged(a_case()).reply is None


@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_is_told_by_the_table(reason):
    judgement = refused(reason)
    answer = REPLIES[reason].answer

    assert (answer.status, answer.phrase) == (judgement.reply.status, judgement.reply.phrase)
    assert answer.connection == judgement.reply.connection


@pytest.mark.parametrize("reason", Reason)
def test_a_strict_operator_closes_on_every_token_failure(reason):
    reply = refused(reason, rules=some_rules(close_on_reject="strict")).reply

    # Our own troubles are not the token's.
    expected = Connection.KEEP if reply.status >= 500 else Connection.CLOSE
    assert expected == reply.connection


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("credentials_missing", ""),
        ("signature_invalid", ', error="invalid_token"'),
        ("token_expired", ', error="invalid_token"'),
        ("scope_insufficient", ', error="invalid_scope"'),
    ],
)
@pytest.mark.req("SX-29")
def test_a_challenge_names_the_waf_of_the_wwsf_and_what_was_wrong(reason, ending):
    expected = f'{HOME}, authz_server="https://waf.home1.net"{ending}'

    assert (expected,) == refused(reason).reply.challenges


@pytest.mark.parametrize("reason", [r for r in Reason if REPLIES[r].answer.status != 401])
def test_only_a_401_has_a_challenge(reason):
    assert refused(reason).reply.challenges == ()


def test_the_challenge_has_the_realm_of_the_domain_in_to():
    domains = [a_domain(realm="first"), a_domain("second.example", realm="second")]
    facts = register_facts(to="sip:alice@second.example")
    judgement = refused("token_expired", facts=facts, policy=a_policy(domains=domains))

    assert judgement.reply.challenges[0].startswith('Bearer realm="second", ')


@pytest.mark.parametrize(
    ("request_domain", "realm"),
    [("second.example", "second"), ("", "first"), ("elsewhere.example", "first")],
)
def test_a_number_is_challenged_in_the_realm_that_the_register_is_addressed_to(
    request_domain, realm
):
    domains = [a_domain(realm="first"), a_domain("second.example", realm="second")]
    facts = register_facts(to="tel:+49891234", request_domain=request_domain)
    judgement = refused("token_expired", facts=facts, policy=a_policy(domains=domains))

    assert judgement.reply.challenges[0].startswith(f'Bearer realm="{realm}", ')


def test_without_a_home_domain_the_realm_is_the_node():
    judgement = refused("token_expired", policy=a_policy(domains=[]))

    assert judgement.reply.challenges[0].startswith('Bearer realm="epcscf1.home1.net", ')


def test_only_overload_asks_for_patience():
    assert timedelta(seconds=5) == refused("overloaded").reply.retry_after
    assert timedelta(0) == refused("keys_unreachable").reply.retry_after


def test_a_refusal_for_a_wwsf_that_is_gone_has_no_challenge():
    judgement = judged(a_case(facts=register_facts(wwsf="gone", authorization="")))

    assert judgement.reply.challenges == ()


# --- Under which stamp --------------------------------------------------------------------------


def test_a_verdict_has_the_stamp_that_the_edge_knows():
    policy = a_policy(
        wwsfs=[a_wwsf(epoch=3)], entities=[an_entity(epoch=7)], shared_epoch=5, revision=9
    )
    judgement = judged(a_case(policy=policy))

    assert Stamp("shop/waf", "3.7.5") == judgement.stamp
    assert judgement.stamp in edge_view(policy, some_rules()).stamps
    assert policy.revision == judgement.revision


def test_a_refusal_has_no_stamp():
    assert refused("signature_invalid").stamp is None


# --- What is written down -----------------------------------------------------------------------


def test_a_judgement_says_whom_it_is_about():
    facts = register_facts(to="sip:alice@HOME1.NET;transport=ws", call_id="c1")
    judgement = judged(a_case(facts=facts, assertion=a_token(token_id="j1")))

    assert (judgement.decision_id, judgement.time, judgement.took) == ("d1", NOW, TOOK)
    assert (facts.door, facts.to, "c1") == (judgement.door, judgement.to, judgement.call_id)
    assert str(judgement.impi) == "alice@home1.net"
    assert str(judgement.impu) == "sip:alice@home1.net"
    assert (judgement.entity, judgement.token_id, judgement.detail) == ("waf", "j1", "")
    assert judgement.reason is None


def test_a_judgement_on_a_fault_says_what_was_found_and_believes_no_claim():
    judgement = refused("signature_invalid")

    assert (EntityId("waf"), "found something") == (judgement.entity, judgement.detail)
    assert (judgement.impi, judgement.token_id) == (None, "")
    assert judgement.reason is Reason.SIGNATURE_INVALID


def test_a_judgement_without_token_knows_no_entity():
    case = a_case(facts=register_facts(authorization=""))
    judgement = judged(replace(case, evidence=replace(case.evidence, assertion=None)))

    assert (judgement.entity, judgement.impi) == (None, None)


def test_what_the_wic_sent_is_shortened():
    facts = register_facts(to="sip:" + "a" * 5000, call_id="c" * 5000)
    judgement = judged(a_case(facts=facts))

    assert 128 == len(judgement.to) == len(judgement.call_id)
    assert judgement.impu is None
