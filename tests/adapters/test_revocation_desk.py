"""The desk of revocations: what is revoked is refused from that moment on, and never forgotten."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from epcscfd.app.revocation import RevocationDesk
from epcscfd.domain.policy import WwsfId
from epcscfd.store.revocation_store import SqlRevocations
from tests.builders import a_revocation, a_token
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from epcscfd.domain.orders import Order
    from epcscfd.domain.revocation import Revocations
    from tests.adapters.conftest import Kept

SHOP = WwsfId("shop")


@dataclass
class Issued:
    orders: list[str] = field(default_factory=list)

    async def issue(self, *wanted: Order) -> None:
        self.orders += [each.id for each in wanted]


class Rig:
    def __init__(self, kept: Kept) -> None:
        self.store, self.issued = SqlRevocations(kept.engine), Issued()
        self.desk = RevocationDesk(self.store, self.issued, FrozenClock())

    def refuses(self) -> bool:
        return self.desk.current().of_token(a_token(), SHOP) is not None


@pytest.fixture
def rig(kept: Kept) -> Rig:
    return Rig(kept)


@pytest.mark.req("S002-7")
async def test_what_is_revoked_is_refused_and_cut_at_once(rig: Rig) -> None:
    await rig.desk.revoke(a_revocation())

    assert rig.refuses()
    assert rig.issued.orders == ["revocation-r1"]


async def test_what_is_taken_back_is_honoured_again(rig: Rig) -> None:
    await rig.desk.revoke(a_revocation())
    await rig.desk.take_back("r1")

    assert not rig.refuses()


@pytest.mark.req("S000-8")
async def test_what_others_revoke_on_the_same_database_is_followed(rig: Rig) -> None:
    await rig.desk.refresh()
    await rig.store.add(a_revocation())
    await rig.desk.refresh()
    assert rig.refuses()

    await rig.store.delete("r1")
    await rig.desk.refresh()
    assert not rig.refuses()


async def test_a_restart_refuses_as_before_and_orders_what_a_crash_kept_back(rig: Rig) -> None:
    await rig.store.add(a_revocation())
    await rig.desk.resume()

    assert rig.refuses()
    assert rig.issued.orders == ["revocation-r1"]


async def test_what_is_about_dead_tokens_only_is_not_asked(rig: Rig) -> None:
    await rig.store.add(a_revocation(expires_at=-1))
    await rig.desk.refresh()

    assert rig.desk.current().each == ()


async def test_what_is_revoked_during_a_look_is_not_forgotten_by_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.store.add(a_revocation(id="r0", whom="impi", value="bob@home1.net"))
    read, go_on, load = asyncio.Event(), asyncio.Event(), rig.store.load

    async def slow() -> Revocations:
        loaded = await load()
        read.set()
        await go_on.wait()
        return loaded

    monkeypatch.setattr(rig.store, "load", slow)
    looking = asyncio.create_task(rig.desk.refresh())
    await read.wait()
    revoking = asyncio.create_task(rig.desk.revoke(a_revocation()))
    go_on.set()
    await asyncio.gather(looking, revoking)

    assert rig.refuses()
