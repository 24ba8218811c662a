"""Couriers over real HTTP: each event once and in order, whatever the receiver does."""

from __future__ import annotations

import asyncio
import ssl

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscfd.app.release import OLDEST, Bell, EventHub
from epcscfd.app.webhooks import Courier, Post, PostOffice
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Cause, Gone, Stands
from epcscfd.domain.webhook import signature_of
from epcscfd.errors import CursorGone
from epcscfd.store.event_store import SqlEvents
from epcscfd.store.registration_store import SqlRegistrations
from epcscfd.store.webhook_store import SqlWebhooks
from epcscfd.webhooks import sender
from epcscfd.webhooks.sender import HttpSender
from lab.certificates import Authority
from tests.fakes.clock import FrozenClock
from tests.fakes.receiver import Receiver
from tests.fakes.registrations import a_registration


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from epcscfd.app.webhooks import Backlog
    from epcscfd.domain.release import Event
    from epcscfd.domain.webhook import Webhook
    from tests.adapters.conftest import Kept

SHOP = WwsfId("shop")
SECRET = "k" * 32


@dataclass
class Notes:
    lines: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, line: str) -> None:
        """Wait until *line* has been noted."""
        while line not in self.lines:
            self.came.clear()
            await self.came.wait()

    def delivered(self, event: Event) -> None:
        self.lines.append(f"{event.sequence} delivered")
        self.came.set()

    def delivery_failed(self, webhook: Webhook, event: Event) -> None:
        self.lines.append(f"{event.sequence} {webhook.last_error}")

    def gave_up(self, webhook: Webhook, event: Event) -> None:
        self.lines.append(f"{event.sequence} given up after {webhook.attempts}")

    def couriers_failed(self, error: Exception) -> None:
        self.lines.append(repr(error))

    def backlogs(self, backlogs: list[Backlog]) -> None:
        pass


class Rig:
    def __init__(self, kept: Kept) -> None:
        self.clock = FrozenClock()
        self.registrations = SqlRegistrations(kept.engine, self.clock)
        self.events, self.webhooks = SqlEvents(kept.engine), SqlWebhooks(kept.engine)
        self.bell, self.notes, self.sender = Bell(), Notes(), HttpSender()
        self.post = self.make_post("one")
        self.courier = Courier(self.post, SHOP)
        self.hub = EventHub(self.events, self.bell)

    def make_post(self, name: str) -> Post:
        return Post(
            events=self.events,
            webhooks=self.webhooks,
            sender=self.sender,
            clock=self.clock,
            watch=self.notes,
            bell=self.bell,
            name=name,
            lot=lambda: 0.5,
        )

    async def release(self, *ids: str) -> None:
        for id_ in ids:
            one = a_registration(id=id_, impi=f"{id_}@home1.net")
            await self.registrations.write([Stands(one, 1), Gone(one.key, Cause.CLIENT)])
        self.bell.ring()

    @asynccontextmanager
    async def office(self, name: str = "one") -> AsyncIterator[None]:
        running = asyncio.create_task(PostOffice(self.make_post(name)).run())
        yield
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest_asyncio.fixture
async def rig(kept: Kept) -> AsyncIterator[Rig]:
    rig = Rig(kept)
    yield rig
    await rig.sender.close()


@pytest_asyncio.fixture
async def receiver(rig: Rig) -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        await rig.webhooks.set(SHOP, receiver.url, SECRET)
        yield receiver


@pytest.mark.req("S003-3")
async def test_events_arrive_in_their_order_and_signed(rig: Rig, receiver: Receiver) -> None:
    async with rig.office():
        await rig.release("a", "b", "c")
        received = await receiver.until(3)

    assert [each.told["impi"] for each in received] == [
        "a@home1.net",
        "b@home1.net",
        "c@home1.net",
    ]
    assert [each.told["sequence"] for each in received] == [1, 2, 3]
    for each in received:
        assert each.headers["idempotency-key"] == each.told["id"]
        assert each.headers["content-type"] == "application/json"
        expected = signature_of(each.body, SECRET, rig.clock.now())
        assert each.headers["epcscf-signature"] == expected


@pytest.mark.parametrize(
    "status", ["500 Oops", "404 Not Found", "301 Moved", "410 Gone", "429 Slow Down"]
)
async def test_what_is_not_taken_is_tried_again_before_the_next(
    rig: Rig, receiver: Receiver, status: str
) -> None:
    receiver.status, receiver.headers = status, "Location: http://127.0.0.1:1/\r\n"
    await rig.release("a", "b")
    pauses = [await rig.courier.turn() for _ in range(3)]
    receiver.status, receiver.headers = "200 OK", "Content-Length: 0\r\n"
    for _ in range(2):
        await rig.courier.turn()

    code = status.split(maxsplit=1)[0]
    assert rig.notes.lines == [
        *[f"1 answered {code}"] * 3,
        "1 delivered",
        "2 delivered",
    ]
    assert [pause.total_seconds() for pause in pauses if pause] == [1, 2, 4]
    assert len({each.headers["idempotency-key"] for each in receiver.received[:4]}) == 1


async def test_nobody_there_is_tried_again(rig: Rig) -> None:
    await rig.webhooks.set(SHOP, "http://127.0.0.1:1/", SECRET)
    await rig.release("a")
    await rig.courier.turn()

    (line,) = rig.notes.lines
    assert line.startswith("1 ConnectError")
    assert SECRET not in line


async def test_who_does_not_answer_is_not_waited_for(
    rig: Rig, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LONGEST_POST", 0.05)
    receiver.open.clear()
    await rig.release("a")
    await rig.courier.turn()

    assert rig.notes.lines == ["1 no answer in time"]


async def test_events_go_over_tls_to_whom_the_certificate_names(rig: Rig, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    credential = authority.issue_server()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(credential.certificate, credential.key)
    trusting = HttpSender(str(authority.certificate))
    async with Receiver(tls) as receiver:
        await rig.webhooks.set(SHOP, receiver.url, SECRET)
        await rig.release("a")
        await rig.courier.turn()
        await Courier(replace(rig.post, sender=trusting), SHOP).turn()
    await trusting.close()

    first, second = rig.notes.lines
    assert "certificate verify failed" in first
    assert second == "1 delivered"
    assert receiver.received[0].told["impi"] == "a@home1.net"


async def test_after_a_day_it_is_a_dead_letter_and_the_next_has_its_turn(
    rig: Rig, receiver: Receiver
) -> None:
    receiver.status = "500 Oops"
    await rig.release("a", "b")
    await rig.courier.turn()
    rig.clock.advance(86_400)
    assert await rig.courier.turn() is None
    receiver.status = "204 No Content"
    await rig.courier.turn()

    assert rig.notes.lines == ["1 answered 500", "1 given up after 2", "2 delivered"]
    (letter,) = await rig.webhooks.dead("shop")
    assert letter.event.release.impi == "a@home1.net"


async def test_a_restart_goes_on_where_it_was(rig: Rig, receiver: Receiver) -> None:
    async with rig.office():
        await rig.release("a")
        await rig.notes.until("1 delivered")
    await rig.release("b")
    rig.clock.advance(120)
    async with rig.office("after the restart"):
        received = await receiver.until(2)

    assert [each.told["sequence"] for each in received] == [1, 2]


async def test_two_sidecars_do_not_deliver_at_once(rig: Rig, receiver: Receiver) -> None:
    other = Courier(rig.make_post("two"), SHOP)
    await rig.release("a", "b")
    await rig.courier.turn()
    await other.turn()

    assert rig.notes.lines == ["1 delivered"]
    rig.clock.advance(120)
    await other.turn()
    assert rig.notes.lines == ["1 delivered", "2 delivered"]


async def test_one_that_does_not_answer_delays_no_other(rig: Rig, receiver: Receiver) -> None:
    hotel = WwsfId("hotel")
    await rig.webhooks.set(hotel, "http://127.0.0.1:1/", SECRET)
    one = a_registration(id="h", impi="h@home1.net", wwsf=hotel)
    await rig.registrations.write([Stands(one, 1), Gone(one.key, Cause.CLIENT)])
    async with rig.office():
        await rig.release("a")
        received = await receiver.until(1)

    assert [each.told["wwsf"] for each in received] == ["shop"]


async def watched(rig: Rig, cursor: str, count: int, wwsf: str = "") -> list[tuple[int, str]]:
    """Watch until so many events have come; give their numbers and cursors."""
    found: list[tuple[int, str]] = []
    stream = rig.hub.watch(cursor, wwsf)
    async for seen in stream:
        if seen.event:
            found.append((seen.event.sequence, seen.cursor))
        if len(found) == count:
            break
    await stream.aclose()
    return found


@pytest.mark.req("S003-3")
async def test_a_watcher_goes_on_after_what_it_has_seen(rig: Rig) -> None:
    await rig.release("a", "b", "c")
    first = await watched(rig, OLDEST, 2)
    rest = await watched(rig, first[-1][1], 1)

    assert [sequence for sequence, _ in (*first, *rest)] == [1, 2, 3]


async def test_a_watcher_hears_of_what_happens_next(rig: Rig) -> None:
    await rig.release("a")
    stream = rig.hub.watch("", "")
    begin = await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await rig.release("b")

    assert begin.event is None
    assert begin.cursor.endswith(".1")
    seen = await waiting
    assert seen.event
    assert seen.event.sequence == 2
    await stream.aclose()


async def test_a_watcher_of_one_wwsf_hears_of_no_other(rig: Rig) -> None:
    await rig.release("a")
    one = a_registration(id="h", impi="h@home1.net", wwsf=WwsfId("hotel"))
    await rig.registrations.write([Stands(one, 1), Gone(one.key, Cause.CLIENT)])

    assert [sequence for sequence, _ in await watched(rig, OLDEST, 1, "hotel")] == [2]


@pytest.mark.parametrize("number", ["1", "9", "x", ""])
async def test_a_cursor_that_points_to_nothing_is_refused(rig: Rig, number: str) -> None:
    await rig.release("a", "b")
    stream = (await rig.events.kept()).stream
    rig.clock.advance(100)
    await rig.events.forget(rig.clock.now())
    await rig.release("c")

    with pytest.raises(CursorGone):
        await anext(rig.hub.watch(f"{stream}.{number}", ""))
    with pytest.raises(CursorGone):
        await anext(rig.hub.watch("another.2", ""))
    assert len(await watched(rig, f"{stream}.2", 1)) == 1


async def test_watchers_are_let_go_at_the_end(rig: Rig) -> None:
    stream = rig.hub.watch("", "")
    await anext(stream)
    rest = asyncio.ensure_future(anext(stream, None))
    rig.bell.close()

    assert await rest is None
