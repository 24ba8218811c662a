"""What a change of the policy cuts off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscfd.domain.orders import Cut, Delivery, Issued, Order, Progress, Target, cuts_between
from epcscfd.domain.registration import Boot
from tests.builders import NOW, a_policy, a_wwsf, an_entity


if TYPE_CHECKING:
    from epcscfd.domain.policy import Policy

OPEN = a_policy(wwsfs=[a_wwsf(), a_wwsf(id="hotel", client_id="h", origins=["https://h.example"])])
SUSPENDED = a_wwsf(state="suspended", epoch=7)
BARRED = an_entity(state="barred", epoch=9)


def cuts(before: Policy | None, after: Policy) -> list[tuple[Target, str]]:
    found = [order.errand for order in cuts_between(before, after)]
    assert all(isinstance(errand, Cut) for errand in found)
    return [(errand.target, errand.value) for errand in found if isinstance(errand, Cut)]


def test_a_suspended_wwsf_is_cut_and_no_other() -> None:
    after = a_policy(wwsfs=[SUSPENDED, OPEN.wwsfs["hotel"]])  # type: ignore[index]

    assert cuts(OPEN, after) == [(Target.WWSF, "shop")]


def test_a_barred_entity_is_cut_in_every_wwsf_that_it_vouches_for() -> None:
    after = a_policy(wwsfs=OPEN.wwsfs.values(), entities=[BARRED])

    assert cuts(OPEN, after) == [(Target.SCOPE, "shop/waf"), (Target.SCOPE, "hotel/waf")]


def test_what_is_deleted_is_cut() -> None:
    after = a_policy(wwsfs=[OPEN.wwsfs["hotel"]])  # type: ignore[index]

    assert cuts(OPEN, after) == [(Target.WWSF, "shop"), (Target.SCOPE, "shop/waf")]


def test_an_entity_that_may_no_longer_vouch_is_cut() -> None:
    after = a_policy(wwsfs=[a_wwsf(entities=[]), OPEN.wwsfs["hotel"]])  # type: ignore[index]

    assert cuts(OPEN, after) == [(Target.SCOPE, "shop/waf")]


def test_what_was_cut_off_before_is_not_cut_again() -> None:
    barred = a_policy(wwsfs=[SUSPENDED], entities=[BARRED])

    assert cuts(barred, a_policy(wwsfs=[SUSPENDED], entities=[BARRED], revision=9)) == []


def test_suspending_twice_is_cutting_twice() -> None:
    once, again = (a_policy(wwsfs=[a_wwsf(state="suspended", epoch=n)]) for n in (7, 8))

    assert cuts(once, again) == [(Target.WWSF, "shop")]


def test_at_the_start_all_that_is_cut_off_is_named_as_before() -> None:
    barred = a_policy(wwsfs=[SUSPENDED], entities=[BARRED])

    assert cuts_between(None, barred) == cuts_between(a_policy(), barred)


def test_an_order_is_confirmed_when_every_edge_has() -> None:
    order = Order("o", Cut(Target.WWSF, "shop"))
    done = Delivery(Boot("a", "1"), Progress(cut=True))
    restarted = Delivery(Boot("b", "1"), pointless=True)
    open_ = Delivery(Boot("c", "1"))

    assert Issued(order, NOW, ()).is_confirmed
    assert Issued(order, NOW, (done, restarted)).is_confirmed
    assert not Issued(order, NOW, (done, open_)).is_confirmed
