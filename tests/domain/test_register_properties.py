"""What holds for every REGISTER, whoever sends it and whatever the policy is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.decide import decide_register, explain_register
from epcscfd.domain.judgement import judge_register
from epcscfd.domain.policy import Credentials, EntityState, WwsfState
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Accept, Forward, Reject
from epcscfd.domain.token import TokenFault, TokenUse
from tests.builders import (
    a_case,
    a_fault,
    a_policy,
    a_subscription,
    a_token,
    a_wwsf,
    an_entity,
    register_facts,
    some_rules,
)
from tests.domain.register_cases import told


USERS = ["alice@home1.net", "bob@home1.net", "u17@socialnet.example"]
IDENTITIES = [
    "sip:alice@home1.net",
    "sip:bob@home1.net",
    "tel:+49891234",
    "sip:eve@elsewhere.example",
]
SECRET = "s3cr3t" * 8

some_impis = st.lists(st.sampled_from(USERS), unique=True)
some_impus = st.lists(st.sampled_from(IDENTITIES), unique=True)
some_wwsf_ids = st.lists(st.sampled_from(["shop", "other"]), unique=True)
pools = st.none() | st.fixed_dictionaries(
    {
        "impi": some_impis,
        "realms": st.lists(st.sampled_from(["home1.net", "socialnet.example"]), unique=True),
    }
)
ranges = st.lists(
    st.sampled_from(
        ["sip:!(alice|bob)!@home1.net", "sip:a!.*!@home1.net", "tel:+49!.*!", "sip:bob@home1.net"]
    ).flatmap(lambda text: st.sampled_from([text, f"off {text}"])),
    max_size=2,
)
wwsf_changes = st.fixed_dictionaries(
    {
        "pool": pools,
        "ranges": ranges,
        "state": st.sampled_from(WwsfState),
        "credentials": st.sampled_from(Credentials),
        "proof_required": st.booleans(),
    }
)
entity_changes = st.fixed_dictionaries(
    {
        "location": st.sampled_from(["operator", "third_party"]),
        "state": st.sampled_from(EntityState),
        "entity_id": st.sampled_from(["", "waf1@x", 'a"b', "a\r\nb"]),
    }
)
records = st.fixed_dictionaries(
    {"impi": st.sampled_from(USERS), "impus": some_impus, "wwsfs": some_wwsf_ids}
)
tokens = st.fixed_dictionaries(
    {
        "impi": st.sampled_from(["", *USERS]),
        "impus": some_impus,
        "expires_at": st.integers(-60, 3600),
        "scope": st.sampled_from(["", "webrtc-ims-client-access-to-ims"]),
        "wwsf": st.sampled_from(["shop-client", "other-client"]),
    }
).map(lambda changes: a_token(**changes))
assertions = tokens | st.sampled_from(Reason).map(a_fault)

admissible_tokens = st.builds(
    lambda impi: a_token(impi=impi, impus=IDENTITIES), st.sampled_from(USERS)
)


@st.composite
def policies(draw):
    other = {"id": "other", "client_id": "other-client"}
    return a_policy(
        wwsfs=[a_wwsf(**draw(wwsf_changes)), a_wwsf(**draw(wwsf_changes), **other)],
        entities=[an_entity(**draw(entity_changes))],
        subscriptions=[
            a_subscription(**changes) for changes in draw(st.lists(records, max_size=2))
        ],
    )


@st.composite
def cases(draw, assertion=assertions | admissible_tokens):
    facts = register_facts(
        to=draw(st.sampled_from(IDENTITIES)),
        wwsf=draw(st.sampled_from(["shop", "other"])),
        authorization=draw(st.sampled_from([f"Bearer {SECRET}", "", f"Digest {SECRET}"])),
    )
    return a_case(
        facts=facts,
        assertion=draw(assertion),
        use=draw(st.sampled_from(TokenUse)),
        policy=draw(policies()),
        rules=some_rules(),
    )


def gets_through(case):
    return not isinstance(decide_register(case), Reject)


def with_wwsf(case, wwsf):
    return replace(case, policy=replace(case.policy, wwsfs={**case.policy.wwsfs, wwsf.id: wwsf}))


def with_entity(case, entity):
    return replace(case, policy=replace(case.policy, entities={entity.id: entity}))


def without_pool_of_the_asking_wwsf(case):
    return with_wwsf(case, replace(case.wwsf, pool=None))


CUTS = {
    "suspending the WWSF": lambda case: with_wwsf(
        case, replace(case.wwsf, state=WwsfState.SUSPENDED)
    ),
    "demanding proof": lambda case: with_wwsf(case, replace(case.wwsf, proof_required=True)),
    "taking no tokens": lambda case: with_wwsf(
        case, replace(case.wwsf, credentials=Credentials.DIGEST)
    ),
    "dismissing its entities": lambda case: with_wwsf(
        case, replace(case.wwsf, entities=frozenset())
    ),
    "deleting the WWSF": lambda case: replace(
        case, policy=replace(case.policy, wwsfs={"someone": a_wwsf(id="someone")})
    ),
    "barring the entity": lambda case: with_entity(
        case, replace(an_entity(), state=EntityState.BARRED)
    ),
    "serving no domain": lambda case: replace(case, policy=replace(case.policy, domains={})),
    "time passing beyond every expiry": lambda case: replace(
        case, now=case.now + timedelta(hours=2)
    ),
    "losing the token": lambda case: replace(
        case, request=replace(case.request, credentials=Reason.CREDENTIALS_MISSING)
    ),
    "spending the token": lambda case: replace(
        case, evidence=replace(case.evidence, use=TokenUse.SPENT)
    ),
}


@pytest.mark.parametrize("cut", CUTS)
@given(case=cases())
def test_nothing_that_takes_away_lets_anybody_through(cut, case):
    assert gets_through(case) or not gets_through(CUTS[cut](case))


@pytest.mark.parametrize("cut", CUTS)
@given(case=cases(assertion=admissible_tokens))
def test_what_takes_away_takes_away(cut, case):
    untied = cut == "demanding proof"

    assert untied or not gets_through(CUTS[cut](case))


@given(cases())
def test_taking_away_the_pool_of_the_asking_wwsf_lets_nobody_through_who_was_foreign(case):
    contested = {Reason.IDENTITY_CONTESTED, Reason.IDENTITY_NOT_OWNED}

    if explain_register(case)[-1].reason in contested:
        assert not gets_through(without_pool_of_the_asking_wwsf(case))


def held_by_ranges(wwsf, impu):
    return [each for each in wwsf.ranges if each.holds(impu)]


def with_ranges(case, ranges):
    return with_wwsf(case, replace(case.wwsf, ranges=frozenset(ranges)))


@given(cases())
def test_taking_away_a_range_of_the_asking_wwsf_lets_nobody_through_who_was_refused(case):
    # But for the last range: a WWSF that has none is no longer confined to them.
    for each in case.wwsf.ranges:
        left = case.wwsf.ranges - {each}
        if left and not gets_through(case) and case.request.to:
            contested = explain_register(case)[-1].reason is Reason.IDENTITY_CONTESTED
            assert contested or not gets_through(with_ranges(case, left))


@given(cases())
def test_disabling_ranges_of_the_asking_wwsf_lets_nobody_through(case):
    disabled = {replace(each, enabled=False) for each in case.wwsf.ranges}

    assert gets_through(case) or not gets_through(with_ranges(case, disabled))
    assert not isinstance(decide_register(with_ranges(case, disabled)), Accept)


@given(cases(assertion=admissible_tokens))
def test_only_what_lies_in_an_enabled_range_of_the_asking_wwsf_is_accepted(case):
    decision = decide_register(case)
    held = held_by_ranges(case.wwsf, case.impu)
    known = case.impi in case.policy.subscriptions

    if isinstance(decision, Accept):
        assert any(each.enabled for each in held)
        assert not known
    if isinstance(decision, Forward):
        assert known or not held


@given(cases())
def test_deciding_is_total_and_agrees_with_its_explanation(case):
    decision = decide_register(case)
    reason = explain_register(case)[-1].reason

    assert reason == (decision.reason if isinstance(decision, Reject) else None)


@given(cases())
def test_neither_reply_nor_record_contains_the_credential(case):
    assert SECRET not in repr(judge_register(case, "d1", timedelta(0)))
    assert SECRET not in repr(case)


@given(cases(assertion=admissible_tokens))
def test_nobody_registers_what_is_another_wwsfs_or_subscribers(case):
    if not gets_through(case):
        return
    policy, wwsf = case.policy, case.wwsf.id
    record = policy.subscriptions.get(case.impi)

    assert record is None or (wwsf in record.wwsfs and case.impu in record.impus)
    if record is None:
        assert not any(case.impu in other.impus for other in policy.subscriptions.values())
        assert policy.pool_owners(case.impi) <= {wwsf}
        others = [other for other in policy.wwsfs.values() if other.id != wwsf]
        assert not any(held_by_ranges(other, case.impu) for other in others)


@given(cases(assertion=admissible_tokens))
def test_what_goes_into_headers_stays_on_its_lines(case):
    decision = decide_register(case)
    if not isinstance(decision, Reject):
        assert all(text.isprintable() for text in map(str, told(decision).values()))
    if isinstance(decision, Forward):
        assert decision.authorization.count("integrity-protected=") == 1


@given(cases(assertion=admissible_tokens))
def test_only_third_parties_are_named_to_the_core(case):
    decision = decide_register(case)
    if isinstance(decision, Forward) and "authorization-entity=" in decision.authorization:
        assert case.entity.location == "third_party"


@given(st.text(), st.text(), st.text())
def test_any_text_is_judged(to, authorization, call_id):
    facts = register_facts(to=to, authorization=authorization, call_id=call_id)
    fault = TokenFault(Reason.TOKEN_MALFORMED)

    assert judge_register(a_case(facts=facts, assertion=fault), "d1", timedelta(0)).reason


def test_the_order_of_the_checks_is_the_order_of_the_list_they_come_from():
    # RFC 9068 4 and TS 33.203 X.3.2.3 step 4: of two faults the earlier is reported.
    faults = [
        {"audience": ["x"]},
        {"expires_at": -100},
        {"scope": ""},
        {"wwsf": "x"},
        {"impi": ""},
        {"certificate": "c0ffee"},
    ]
    reasons = [explain_register(a_case(assertion=a_token(**one)))[-1].reason for one in faults]

    for (earlier, later), reason in zip(pairwise(faults), reasons, strict=False):
        both = a_case(assertion=a_token(**(earlier | later)))
        assert reason == explain_register(both)[-1].reason
