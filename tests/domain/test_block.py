"""Blocks: whether a member is let in hangs on its web server's registration, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.domain.block import Blocks, ha1_of, unconfirmed
from epcscfd.domain.decide import decide_register
from epcscfd.domain.edge import edge_view
from epcscfd.domain.identity import Impi
from epcscfd.domain.judgement import judge_register
from epcscfd.domain.orders import Cut, Order, Target, cuts_between, cuts_of, cuts_of_block
from epcscfd.domain.ranges import RangeMode
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Accept, Forward, Reject
from epcscfd.domain.replies import REPLIES, Lasting
from tests.builders import (
    NOW,
    a_block,
    a_case,
    a_policy,
    a_range,
    a_token,
    a_wwsf,
    a_wwsf_with_block,
    an_entity,
    block_news,
    from_now,
    register_facts,
    some_blocks,
    some_rules,
)


if TYPE_CHECKING:
    from epcscfd.domain.case import Case
    from epcscfd.domain.policy import Policy
    from epcscfd.domain.ranges import IdentityRange

MEMBER = "sip:wic7@home1.net"
SCOPE = "shop/waf/block"


def member_case(blocks: Blocks, impu: str = MEMBER, **more: Any) -> Case:
    """The REGISTER of somebody who says that he is a member of the block."""
    return a_case(
        facts=register_facts(to=impu),
        assertion=a_token(impi="m7@home1.net", impus=[impu]),
        policy=more.pop("policy", None) or a_policy(wwsfs=[a_wwsf_with_block(**more)]),
        blocks=blocks,
    )


def reason_for(case: Case) -> Reason | None:
    decision = decide_register(case)
    return decision.reason if isinstance(decision, Reject) else None


@pytest.mark.req("S002-33", "S001-27")
def test_a_member_is_accepted_while_the_block_is_registered() -> None:
    assert isinstance(decide_register(member_case(some_blocks())), Accept)
    assert reason_for(member_case(Blocks())) is Reason.BLOCK_NOT_REGISTERED


@pytest.mark.req("S002-33", "S002-34")
@pytest.mark.parametrize("mode", ["static", "registration"])
def test_either_mode_lets_members_in_alike(mode: str) -> None:
    block = a_block(mode=mode)
    known = some_blocks(account=block.account)

    assert isinstance(decide_register(member_case(known, block=block)), Accept)
    assert reason_for(member_case(Blocks(), block=block)) is Reason.BLOCK_NOT_REGISTERED


@pytest.mark.req("S002-29")
@pytest.mark.parametrize(("until", "stands"), [(1, True), (0, False), (-1, False), (None, False)])
def test_a_registration_stands_until_its_end(until: int | None, *, stands: bool) -> None:
    case = member_case(some_blocks(until=until))

    assert (reason_for(case) is None) is stands


@pytest.mark.req("S002-17")
def test_what_was_registered_under_another_account_is_not_this_block() -> None:
    known = some_blocks(account=a_block(pilot="sip:other@home1.net").account)

    assert reason_for(member_case(known)) is Reason.BLOCK_NOT_REGISTERED


@pytest.mark.req("S002-33")
def test_what_lies_outside_of_the_block_is_not_let_in_by_it() -> None:
    case = member_case(some_blocks(), impu="sip:stranger@home1.net")

    assert reason_for(case) is Reason.IDENTITY_OUTSIDE_RANGES


@pytest.mark.req("S002-33")
def test_the_pilot_is_the_web_server_s_and_no_user_s() -> None:
    """Distinct goes before wildcarded (TS 23.228 4.3.3.2b)."""
    block = a_block(pilot="sip:wic0@home1.net")
    known = some_blocks(account=block.account)
    case = member_case(known, impu="sip:wic0@home1.net", block=block)

    assert reason_for(case) is Reason.IDENTITY_NOT_OWNED


@pytest.mark.req("S002-25")
def test_of_what_the_core_has_confirmed_only_what_is_listed_is_let_in() -> None:
    ranges = [
        a_range(text, enabled=False, mode=RangeMode.BLOCK)
        for text in ("sip:wic!.*!@home1.net", "sip:room!.*!@home1.net")
    ]
    narrowed = some_blocks(confirmed=["sip:room!.*!@home1.net", "sip:more!.*!@home1.net"])
    wwsf = a_wwsf_with_block(ranges=ranges)

    assert reason_for(member_case(narrowed, ranges=ranges)) is Reason.BLOCK_NOT_REGISTERED
    assert reason_for(member_case(narrowed, impu="sip:room1@home1.net", ranges=ranges)) is None
    assert list(unconfirmed(wwsf, narrowed.each[wwsf.id])) == ["sip:wic!.*!@home1.net"]
    assert list(unconfirmed(wwsf, some_blocks().each[wwsf.id])) == []


def test_a_refresh_keeps_what_was_confirmed_and_a_new_registration_does_not() -> None:
    first = some_blocks(confirmed=["a"])
    renewed = first.heard(block_news(told_at=2, until=700), NOW)
    ended = renewed.heard(block_news(told_at=3, until=None), NOW)
    again = ended.heard(block_news(told_at=4), NOW)

    def confirmed(known: Blocks) -> object:
        (state,) = known.each.values()
        return state.begun_at, state.confirmed

    assert confirmed(renewed) == (1, frozenset({"a"}))
    assert confirmed(ended)[1] is None
    assert confirmed(again) == (4, None)


@pytest.mark.req("S002-31")
def test_older_news_do_not_count() -> None:
    ended = some_blocks().heard(block_news(told_at=5, until=None), NOW)

    assert ended.heard(block_news(told_at=5), NOW) is ended
    assert ended.heard(block_news(told_at=4), NOW) is ended


def test_a_refusal_for_want_of_the_block_is_not_kept() -> None:
    """The web server may register it the next moment."""
    assert REPLIES[Reason.BLOCK_NOT_REGISTERED].lasting is Lasting.PASSING


@pytest.mark.req("S002-28", "S002-29")
def test_verdicts_of_members_die_with_the_registration_and_others_do_not() -> None:
    static = a_range("sip:desk!.*!@home1.net")
    ranges = [a_range(enabled=False, mode=RangeMode.BLOCK), static]
    policy = a_policy(wwsfs=[a_wwsf_with_block(ranges=ranges)])
    known = some_blocks()
    renewed = known.heard(block_news(told_at=2, until=900), NOW)
    ended = renewed.heard(block_news(told_at=3, until=None), NOW)
    again = ended.heard(block_news(told_at=4), NOW)

    def in_force(blocks: Blocks, impu: str) -> bool:
        judged = judge_register(member_case(known, impu, policy=policy), "d1", timedelta(0))
        return judged.stamp in edge_view(policy, some_rules(), blocks).stamps

    assert [in_force(each, MEMBER) for each in (known, renewed, ended, again)] == [
        *(True, True),
        *(False, False),
    ]
    assert all(in_force(each, "sip:desk1@home1.net") for each in (known, ended, again))


def test_an_edit_of_the_entity_ends_verdicts_of_members_too() -> None:
    def stamps(epoch: int) -> Policy:
        return a_policy(wwsfs=[a_wwsf_with_block()], entities=[an_entity(epoch=epoch)])

    one, other = (edge_view(stamps(n), some_rules(), some_blocks()).stamps for n in (1, 2))
    assert {each.value for each in one if each.scope == SCOPE}.isdisjoint(
        each.value for each in other
    )


@pytest.mark.req("S002-28")
def test_the_end_of_a_block_cuts_off_its_members() -> None:
    assert list(cuts_of_block(a_wwsf_with_block(), 9)) == [
        Order("block-shop-waf-ended-9", Cut(Target.SCOPE, SCOPE))
    ]


def test_barring_an_entity_cuts_off_the_members_it_vouched_for() -> None:
    barred = an_entity(state="barred", epoch=4)
    policy = a_policy(wwsfs=[a_wwsf_with_block(epoch=3)], entities=[barred])

    assert list(cuts_of(policy)) == [
        Order("scope-shop-waf-3.4", Cut(Target.SCOPE, "shop/waf")),
        Order("block-shop-waf-3.4", Cut(Target.SCOPE, SCOPE)),
    ]


def test_a_block_that_is_taken_from_the_policy_is_cut_off() -> None:
    before, after = a_policy(wwsfs=[a_wwsf_with_block()]), a_policy(wwsfs=[a_wwsf()], revision=2)

    assert cuts_between(before, after) == (
        Order("scope-shop-waf-block-gone-2", Cut(Target.SCOPE, SCOPE)),
    )


def test_subscribers_of_a_wwsf_without_ranges_do_not_hang_on_anything() -> None:
    case = a_case(blocks=some_blocks())

    assert isinstance(decide_register(case), Forward)


@pytest.mark.req("S002-17")
def test_the_edge_is_told_what_a_web_server_needs() -> None:
    block = a_block(ha1="5" * 64, client_certificates=["c" * 64])
    policy = a_policy(wwsfs=[a_wwsf_with_block(block=block)])
    (account,) = edge_view(policy, some_rules(), some_blocks()).blocks

    assert (account.pilot, account.impi) == ("sip:pilot@home1.net", "shop@home1.net")
    assert (account.realm, account.ha1) == ("home1.net", "5" * 64)
    assert account.ranges == ("sip:wic!.*!@home1.net",)
    assert account.addresses == ("192.0.2.7/32",)
    assert account.client_certificates == ("c" * 64,)
    assert (account.told_at, account.registered_until) == (1, from_now(600))
    assert "5555" not in repr(account)


def test_the_edge_hears_of_no_block_that_nobody_may_register() -> None:
    suspended = a_policy(wwsfs=[a_wwsf_with_block(state="suspended")])
    elsewhere = a_block(pilot="sip:pilot@elsewhere.example")
    not_served = a_policy(wwsfs=[a_wwsf_with_block(block=elsewhere)])

    for policy in (suspended, not_served):
        assert edge_view(policy, some_rules()).blocks == ()


def test_a_password_is_kept_as_the_digest_of_rfc_8760() -> None:
    # printf 'shop@home1.net:home1.net:open sesame' | sha256sum
    expected = "a9ed8780b181a97666ba3865c2e0e737963afa07cefc8352e1836f66495a2f13"

    assert ha1_of(Impi.parse("shop@home1.net"), "home1.net", "open sesame") == expected


@pytest.mark.req("S002-33")
@pytest.mark.parametrize(
    ("other", "registered", "unregistered"),
    [
        (a_range("sip:w!.*!@home1.net"), None, None),
        (a_range("sip:a!.*!@home1.net"), None, Reason.BLOCK_NOT_REGISTERED),
        (
            a_range("sip:wi!.*!@home1.net", enabled=False),
            None,
            Reason.BLOCK_NOT_REGISTERED,
        ),
    ],
)
def test_of_several_ranges_the_one_that_lets_in_counts(
    other: IdentityRange, registered: Reason | None, unregistered: Reason | None
) -> None:
    ranges = [a_range(enabled=False, mode=RangeMode.BLOCK), other]

    assert reason_for(member_case(some_blocks(), ranges=ranges)) is registered
    assert reason_for(member_case(Blocks(), ranges=ranges)) is unregistered
