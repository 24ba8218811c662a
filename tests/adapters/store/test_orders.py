"""Orders and revocations in a real database: outstanding until an edge says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from epcscfd.domain.orders import Cut, Drain, Order, Progress, Target
from epcscfd.domain.registration import Boot, Joined
from epcscfd.errors import NotFound
from epcscfd.store.order_store import SqlOrders
from epcscfd.store.registration_store import SqlRegistrations
from epcscfd.store.revocation_store import SqlRevocations
from tests.builders import NOW, a_revocation, from_now
from tests.fakes.clock import FrozenClock
from tests.fakes.registrations import EDGE1


if TYPE_CHECKING:
    from tests.adapters.conftest import Kept

EDGE2 = Boot("edge2", "b1")
CUT = Order("o1", Cut(Target.WWSF, "shop"))
DRAIN = Order("o2", Drain(600), node="edge1")


@pytest.fixture
async def store(kept: Kept) -> SqlOrders:
    clock = FrozenClock()
    told = [Joined(EDGE1, 1), Joined(EDGE2, 2)]
    await SqlRegistrations(kept.engine, clock).write(told)
    return SqlOrders(kept.engine, clock)


async def states(store: SqlOrders, order_id: str) -> dict[str, tuple[bool, bool]]:
    issued = await store.get(order_id)
    return {each.boot.node: (each.is_confirmed, each.pointless) for each in issued.deliveries}


async def test_an_order_is_for_every_edge_that_was_ever_here(store: SqlOrders) -> None:
    assert await store.issue([CUT], []) == (CUT,)

    assert await states(store, "o1") == {"edge1": (False, False), "edge2": (False, False)}
    assert await store.outstanding(EDGE1) == (CUT,)


async def test_an_order_for_one_edge_is_for_no_other(store: SqlOrders) -> None:
    await store.issue([DRAIN], [])

    assert await store.outstanding(EDGE1) == (DRAIN,)
    assert await store.outstanding(EDGE2) == ()


async def test_an_edge_that_is_new_here_is_included(store: SqlOrders) -> None:
    new = Boot("edge3", "b1")
    later = Boot("edge1", "b2")

    await store.issue([CUT], [new, later])

    assert set(await states(store, "o1")) == {"edge1", "edge2", "edge3"}
    assert await store.outstanding(later) == (CUT,)
    assert await store.outstanding(EDGE1) == ()


async def test_the_same_order_is_issued_once(store: SqlOrders) -> None:
    await store.issue([CUT], [])
    done = Progress(registrations=3, cut=True, finished=True)
    await store.progressed([(EDGE1, "o1", done)])

    assert await store.issue([CUT, DRAIN], []) == (DRAIN,)
    assert await states(store, "o1") == {"edge1": (True, False), "edge2": (False, False)}


async def test_what_is_finished_is_outstanding_no_more(store: SqlOrders) -> None:
    await store.issue([CUT], [])
    cut, finished = Progress(cut=True, outstanding=2), Progress(cut=True, finished=True)
    assert await store.unconfirmed() == 1
    await store.progressed([(EDGE1, "o1", cut), (EDGE2, "o1", cut)])
    assert await store.unconfirmed() == 0
    assert await store.outstanding(EDGE1) == (CUT,)

    await store.progressed([(EDGE1, "o1", finished)])
    assert await store.outstanding(EDGE1) == ()
    assert (await store.get("o1")).deliveries[0].progress == finished


async def test_a_restart_makes_it_pointless(store: SqlOrders) -> None:
    await store.issue([CUT], [])

    await store.restarted(Boot("edge1", "b2"))

    assert await states(store, "o1") == {"edge1": (True, True), "edge2": (False, False)}
    assert await store.outstanding(EDGE1) == ()


async def test_word_of_another_boot_changes_nothing(store: SqlOrders) -> None:
    await store.issue([CUT], [])

    await store.progressed([(Boot("edge1", "b0"), "o1", Progress(cut=True))])

    assert await states(store, "o1") == {"edge1": (False, False), "edge2": (False, False)}


async def test_orders_are_given_in_pages_and_forgotten(store: SqlOrders) -> None:
    await store.issue([CUT, DRAIN], [])

    first = await store.list(1, "")
    second = await store.list(1, first.next_token)
    assert [each.order for each in (*first.orders, *second.orders)] == [CUT, DRAIN]
    assert second.next_token == ""

    await store.forget(from_now(1))
    with pytest.raises(NotFound):
        await store.get("o1")
    assert await store.outstanding(EDGE1) == ()


async def test_revocations_are_kept(kept: Kept) -> None:
    store = SqlRevocations(kept.engine)
    first, second = a_revocation(), a_revocation(id="r2", whom="impi", value="bob@home1.net")

    marks = [await store.mark()]
    assert await store.add(first) == first
    marks.append(await store.mark())
    assert await store.add(a_revocation(note="again")) == first
    assert await store.mark() == marks[-1] != marks[0]
    await store.add(second)

    assert (await store.load()).each == (first, second)
    assert await store.mark() not in marks
    assert await store.get("r2") == second
    page = await store.list(1, "")
    assert (await store.list(1, page.next_token)).revocations == (second,)


async def test_revocations_go(kept: Kept) -> None:
    store = SqlRevocations(kept.engine)
    await store.add(a_revocation(expires_at=-1))
    await store.add(a_revocation(id="r2"))

    await store.forget(NOW)
    assert [each.id for each in (await store.load()).each] == ["r2"]
    await store.delete("r2")
    with pytest.raises(NotFound):
        await store.delete("r2")
    with pytest.raises(NotFound):
        await store.get("r2")
