"""What an operator is told about an identity is what a REGISTER would meet."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.block import Blocks
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.ownership import Contested, ProofBy, Proven, Unfit, Unproven, ownership
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.reasons import Reason
from epcscfd.domain.records import records_on, standing_of
from tests.builders import (
    a_policy,
    a_range,
    a_subscription,
    a_wwsf,
    a_wwsf_with_block,
    some_blocks,
)
from tests.domain.test_register_properties import IDENTITIES, USERS, policies


SHOP = WwsfId("shop")
ALICE = Impu.parse("sip:alice@home1.net")


@given(policies(), st.sampled_from(IDENTITIES), st.sampled_from(USERS))
def test_a_standing_is_what_the_judge_finds(policy, impu, impi):
    impu, impi = Impu.parse(impu), Impi.parse(impi)

    for wwsf in policy.wwsfs:
        assert (
            ownership(impi, impu, wwsf, policy) == standing_of(wwsf, impu, impi, policy).ownership
        )


@given(policies(), st.sampled_from(IDENTITIES), st.sampled_from(USERS))
def test_whatever_is_proven_or_foreign_has_a_record(policy, impu, impi):
    impu, impi = Impu.parse(impu), Impi.parse(impi)
    found = ownership(impi, impu, SHOP, policy)
    records = records_on(impu, impi, policy)

    if isinstance(found, Proven):
        assert any(record.by is found.by and SHOP in record.wwsfs for record in records)
    if isinstance(found, Unproven):
        assert records == ()


@given(policies(), st.sampled_from(IDENTITIES), st.sampled_from(USERS))
def test_without_an_impi_it_is_one_that_suits(policy, impu, impi):
    impu, impi = Impu.parse(impu), Impi.parse(impi)
    found = ownership(impi, impu, SHOP, policy)

    if isinstance(found, Proven):
        assert isinstance(standing_of(SHOP, impu, None, policy).ownership, Proven)


def test_a_range_under_a_pool_is_proven_with_an_impi_of_the_pool_only():
    policy = a_policy(
        wwsfs=[a_wwsf(ranges=["sip:a!.*!@home1.net"], pool={"realms": ["hotel.example"]})]
    )

    unasked = standing_of(SHOP, ALICE, None, policy)
    asked = standing_of(SHOP, ALICE, Impi("alice", "home1.net"), policy)

    assert unasked.ownership == Proven(ProofBy.RANGE, a_range("sip:a!.*!@home1.net"))
    assert (asked.ownership, asked.reason) == (Unfit(), Reason.IMPI_OUTSIDE_POOL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ranges": ["sip:a!.*!@home1.net"]}, None),
        ({"ranges": ["off sip:a!.*!@home1.net"]}, Reason.RANGE_NOT_ENABLED),
        ({"ranges": ["sip:b!.*!@home1.net"]}, Reason.IDENTITY_OUTSIDE_RANGES),
        ({}, None),
        ({"proof_required": True}, Reason.IDENTITY_UNPROVEN),
    ],
)
def test_a_standing_says_why_it_would_be_refused(changes, reason):
    policy = a_policy(wwsfs=[a_wwsf(**changes)])

    assert reason == standing_of(SHOP, ALICE, None, policy).reason


def test_what_two_claim_is_contested_for_both():
    wwsfs = [a_wwsf(id=wwsf, ranges=["sip:a!.*!@home1.net"]) for wwsf in ("shop", "other")]
    policy = a_policy(wwsfs=wwsfs)

    assert [str(record.holder) for record in records_on(ALICE, None, policy)] == ["other", "shop"]
    assert isinstance(standing_of(SHOP, ALICE, None, policy).ownership, Contested)


def test_an_identity_that_two_subscriptions_hold_is_proven_by_either():
    policy = a_policy(
        subscriptions=[
            a_subscription(wwsfs=["other"]),
            a_subscription(impi="alice2@home1.net", wwsfs=["shop"]),
        ]
    )

    assert len(records_on(ALICE, None, policy)) == 2
    assert standing_of(SHOP, ALICE, None, policy).ownership == Proven(ProofBy.SUBSCRIPTION)


def test_an_impi_that_suits_is_not_one_that_another_pool_has_too():
    mine = {"impi": ["alice@home1.net", "u17@socialnet.example"]}
    other = a_wwsf(id="other", client_id="other-client", pool={"realms": ["home1.net"]})
    policy = a_policy(wwsfs=[a_wwsf(pool=mine), other])

    assert standing_of(SHOP, ALICE, None, policy).ownership == Proven(ProofBy.POOL)


WIC = Impu.parse("sip:wic7@home1.net")


@pytest.mark.req("S002-33")
def test_a_member_of_a_block_stands_as_the_block_does():
    policy = a_policy(wwsfs=[a_wwsf_with_block()])
    registered, narrowed = some_blocks(), some_blocks(confirmed=["sip:other!.*!@home1.net"])

    def told(blocks):
        (record,) = records_on(WIC, None, policy, blocks)
        return record.enabled, standing_of(SHOP, WIC, None, policy, blocks).reason

    assert told(registered) == (True, None)
    assert told(narrowed) == (False, Reason.BLOCK_NOT_REGISTERED)
    assert told(Blocks()) == (False, Reason.BLOCK_NOT_REGISTERED)
