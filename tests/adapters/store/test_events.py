"""Events and webhooks in a real database: numbered without gaps, never lost, never skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Boot, Cause, Gone, Joined, Stands
from epcscfd.errors import NotFound
from epcscfd.store.event_store import SqlEvents
from epcscfd.store.registration_store import SqlRegistrations
from epcscfd.store.webhook_store import SqlWebhooks
from tests.builders import NOW, from_now
from tests.fakes.clock import FrozenClock
from tests.fakes.registrations import EDGE1, a_registration


if TYPE_CHECKING:
    from epcscfd.domain.registration import Registration
    from tests.adapters.conftest import Kept

SHOP = WwsfId("shop")
SECRET = "k" * 32


class Rig:
    def __init__(self, kept: Kept) -> None:
        self.clock = FrozenClock()
        self.registrations = SqlRegistrations(kept.engine, self.clock)
        self.events = SqlEvents(kept.engine)
        self.webhooks = SqlWebhooks(kept.engine)

    async def release(self, *ids: str, **changes: object) -> None:
        """Have identities of these names registered and released, each by itself."""
        for id_ in ids:
            one = a_registration(id=id_, impi=f"{id_}@home1.net", **changes)
            await self.registrations.write([Stands(one, 1), Gone(one.key, Cause.CLIENT)])

    async def seen(self, after: int = 0, wwsf: str = "") -> list[tuple[int, str]]:
        found = await self.events.after(after, wwsf, 100)
        return [(each.sequence, each.release.impi) for each in found]


@pytest.fixture
def rig(kept: Kept) -> Rig:
    return Rig(kept)


@pytest.mark.req("S003-3")
async def test_events_are_numbered_without_gaps(rig: Rig) -> None:
    await rig.release("a", "b", "c")

    assert await rig.seen() == [(1, "a@home1.net"), (2, "b@home1.net"), (3, "c@home1.net")]
    assert await rig.seen(after=2) == [(3, "c@home1.net")]
    kept = await rig.events.kept()
    assert (kept.forgotten, kept.last) == (0, 3)


async def test_an_event_is_kept_as_it_happened(rig: Rig) -> None:
    await rig.release("a")

    (event,) = await rig.events.after(0, "", 1)
    release = event.release
    assert (release.time, release.cause) == (NOW, Cause.CLIENT)
    assert release.may_return_until == from_now(600)
    assert event.id == f"{(await rig.events.kept()).stream}-1"


async def test_events_of_one_wwsf_are_told_apart(rig: Rig) -> None:
    await rig.release("a")
    await rig.release("b", wwsf=WwsfId("hotel"))

    assert await rig.seen(wwsf="hotel") == [(2, "b@home1.net")]


async def test_what_could_not_be_written_leaves_no_number(rig: Rig) -> None:
    def breaks(_: object) -> bool:
        raise RuntimeError("breaks in the middle of the transaction")

    one = a_registration()
    with pytest.raises(RuntimeError):
        await rig.registrations.write([Stands(one, 1), Gone(one.key, Cause.CLIENT)], breaks)
    await rig.release("a")

    assert await rig.seen() == [(1, "a@home1.net")]


async def test_what_a_dead_edge_left_is_released_only_when_it_is_over(rig: Rig) -> None:
    one = a_registration()
    await rig.registrations.write([Joined(EDGE1, 1), Stands(one, 1)])
    await rig.registrations.write([Joined(Boot("edge1", "b2"), 2)])
    assert await rig.seen() == []

    await rig.registrations.write([Gone(one.key, Cause.EDGE_LOST)])
    assert await rig.seen() == [(1, "alice@home1.net")]


async def test_who_is_back_elsewhere_is_not_released(rig: Rig) -> None:
    old = a_registration()
    new: Registration = replace(old, boot=Boot("edge2", "b1"))
    await rig.registrations.write([Stands(old, 1), Stands(new, 1), Gone(old.key, Cause.CLIENT)])
    assert await rig.seen() == []

    await rig.registrations.write([Gone(new.key, Cause.CLIENT)])
    assert len(await rig.seen()) == 1


async def test_old_events_are_forgotten_and_their_numbers_are_not_used_again(rig: Rig) -> None:
    await rig.release("a", "b")
    rig.clock.advance(100)
    await rig.events.forget(from_now(50))
    await rig.release("c")

    assert await rig.seen() == [(3, "c@home1.net")]
    kept = await rig.events.kept()
    assert (kept.forgotten, kept.last) == (2, 3)


async def test_a_webhook_begins_with_what_happens_next(rig: Rig) -> None:
    await rig.release("a")
    backlog = await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    await rig.release("b")

    assert (backlog.webhook.delivered, backlog.waiting) == (1, 0)
    (backlog,) = await rig.webhooks.list()
    assert backlog.waiting == 1


async def test_another_secret_skips_nothing(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    await rig.release("a")
    backlog = await rig.webhooks.set(SHOP, "https://new.example/", "n" * 32)

    assert (backlog.webhook.url, backlog.waiting) == ("https://new.example/", 1)
    webhook = await rig.webhooks.get(SHOP)
    assert webhook
    assert webhook.secret == "n" * 32


async def test_one_sidecar_delivers_at_a_time(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    claims = [
        await rig.webhooks.claim(SHOP, courier, from_now(at), from_now(at + 60))
        for courier, at in (("one", 0), ("two", 1), ("one", 2), ("two", 62), ("two", 63))
    ]

    assert [claim is not None for claim in claims] == [True, False, True, False, True]


async def test_how_far_it_has_come_is_kept(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    await rig.release("a", "b")
    webhook = await rig.webhooks.get(SHOP)
    assert webhook
    failed = replace(webhook, attempts=3, failing_since=NOW, last_error="answered 500")
    await rig.webhooks.failed(failed)
    assert await rig.webhooks.get(SHOP) == failed

    await rig.webhooks.delivered(SHOP, 1)
    assert await rig.webhooks.get(SHOP) == replace(webhook, delivered=1)


async def test_a_dead_letter_stays_to_be_seen(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    await rig.release("a")
    webhook, (event,) = await rig.webhooks.get(SHOP), await rig.events.after(0, "", 1)
    assert webhook
    await rig.webhooks.gave_up(replace(webhook, attempts=9, last_error="answered 410"), event)

    (letter,) = await rig.webhooks.dead("shop")
    assert (letter.event, letter.attempts, letter.last_error) == (event, 9, "answered 410")
    assert await rig.webhooks.dead("hotel") == ()
    assert (await rig.webhooks.list())[0].waiting == 0
    await rig.events.forget(from_now(1))
    await rig.webhooks.forget()
    assert await rig.webhooks.dead("") == ()


async def test_what_is_deleted_is_gone(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "https://shop.example/", SECRET)
    await rig.webhooks.delete(SHOP)

    assert await rig.webhooks.get(SHOP) is None
    with pytest.raises(NotFound):
        await rig.webhooks.delete(SHOP)
