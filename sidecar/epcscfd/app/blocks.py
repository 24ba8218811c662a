"""Blocks: what edges tell of them is written down, and in force everywhere.

* A registration is in force, here and at every edge, when it is written down: nobody is let in
  by what a crash could take back. Edges tell it again until they hear it back.
* Its end is in force at once, and then written down.
* The end of a registration cuts off at every edge whoever was registered with the block.
* A registration that nobody renews ends here by our clock, as it does at each edge by theirs.
"""

from __future__ import annotations

import asyncio

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.block import BlockNews, Blocks, unconfirmed
from epcscfd.domain.orders import cuts_of_block
from epcscfd.domain.registration import Cause
from epcscfd.domain.release import Release


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from epcscfd.domain.block import Block, BlockState
    from epcscfd.domain.orders import Order
    from epcscfd.domain.policy import Wwsf, WwsfId
    from epcscfd.ports import Clock, PolicySource

PAUSE = 1.0
"Seconds before a store that has failed is tried again."


class BlockStore(Protocol):
    """Keeps what is known. Every method raises Unavailable if it cannot."""

    async def load(self) -> Blocks:
        """Give all that is known."""
        ...

    async def write(
        self, states: Mapping[WwsfId, BlockState], released: Sequence[Release]
    ) -> None:
        """Write down those *states* that are newer than what is kept, and what was *released*."""
        ...


class Orders(Protocol):
    """Who has orders carried out."""

    async def issue(self, *wanted: Order) -> None:
        """Write down those that are new, and give them to all edges that are here."""
        ...


class BlockWatch(Protocol):
    """Is told what becomes of blocks."""

    def block_registered(self, wwsf: WwsfId, state: BlockState) -> None:
        """Note that a block is registered, or longer than before."""
        ...

    def block_ended(self, wwsf: WwsfId, cause: Cause) -> None:
        """Note that its registration has ended."""
        ...

    def block_narrowed(self, wwsf: WwsfId, missing: Sequence[str]) -> None:
        """Note that the core has confirmed less than is provisioned: an alarm."""
        ...

    def blocks_failed(self, error: Exception) -> None:
        """Note that the store has failed; it will be tried again."""
        ...


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be written down and ordered."""

    news: BlockNews
    wwsf: Wwsf | None = None
    "As of when it was heard. None: the policy has none with that block."
    released: tuple[Release, ...] = ()
    cuts: tuple[Order, ...] = ()


class BlockDesk:
    """Knows which blocks are registered."""

    def __init__(
        self,
        store: BlockStore,
        orders: Orders,
        policies: PolicySource,
        clock: Clock,
        watch: BlockWatch,
    ) -> None:
        self._store = store
        self._orders = orders
        self._policies = policies
        self._watch = watch
        self._clock = clock
        self._known = Blocks()
        self._subscribers: set[Callable[[Blocks], None]] = set()
        self._due: asyncio.Queue[_Due] = asyncio.Queue()
        self.released: Callable[[], None] = _nobody
        "Called when there are new events."

    def current(self) -> Blocks:
        """Give what is known. Never waits."""
        return self._known

    @contextmanager
    def subscribed(self, subscriber: Callable[[Blocks], None]) -> Iterator[None]:
        """Call *subscriber* with whatever is known from now on within the block."""
        self._subscribers.add(subscriber)
        try:
            yield
        finally:
            self._subscribers.discard(subscriber)

    async def refresh(self) -> None:
        """Learn what others on the same database were told. Raise Unavailable."""
        kept = await self._store.load()
        known = dict(self._known.each)
        newer = {
            wwsf: state
            for wwsf, state in kept.each.items()
            if wwsf not in known or known[wwsf].told_at < state.told_at
        }
        if newer:
            self._know(Blocks({**known, **newer}))
        self.sweep()

    def hear(self, news: BlockNews) -> None:
        """Take in what an edge tells. Raise Unavailable if there is no policy to take it by.

        What is older than what is known does not count, nor what is of another account than the
        policy has by now.
        """
        wwsf = self._policies.current().wwsfs.get(news.wwsf)
        if wwsf is None or wwsf.block is None or wwsf.block.account != news.account:
            return
        after = self._known.heard(news, self._clock.now())
        if after is self._known:
            return
        if news.until is not None:
            self._due.put_nowait(_Due(news, wwsf))
            return
        stood = self._known.told_of(wwsf) is not None
        self._know(after)
        self._due.put_nowait(self._ended(wwsf, wwsf.block, news) if stood else _Due(news, wwsf))

    def _ended(self, wwsf: Wwsf, block: Block, news: BlockNews) -> _Due:
        cause = news.cause or Cause.UNTOLD
        self._watch.block_ended(wwsf.id, cause)
        # The web server hears of it by an event of its pilot.
        released = Release(
            time=self._clock.now(),
            wwsf=wwsf.id,
            impi=str(block.impi),
            impu=str(block.pilot),
            cause=cause,
            may_return_until=None,
        )
        return _Due(news, wwsf, (released,), tuple(cuts_of_block(wwsf, news.told_at)))

    def sweep(self) -> None:
        """End what nobody has renewed, and what the policy has no block for any more.

        Else a block that is deleted and made again would be taken for the old one. Raise
        Unavailable.
        """
        now, policy = self._clock.now(), self._policies.current()
        for wwsf_id, state in self._known.each.items():
            if state.until is None:
                continue
            told_at = max(state.told_at + 1, int(state.until.timestamp() * 1_000_000))
            wwsf = policy.wwsfs.get(wwsf_id)
            if wwsf is None or wwsf.block is None or wwsf.block.account != state.account:
                # Its members are cut off by what was edited.
                self._forget(BlockNews(wwsf_id, state.account, state.told_at + 1, None))
            elif state.until <= now:
                # As if an edge had told, at the moment at which it ended.
                self.hear(BlockNews(wwsf_id, state.account, told_at, None, Cause.EXPIRED))

    def _forget(self, news: BlockNews) -> None:
        self._know(self._known.heard(news, self._clock.now()))
        self._due.put_nowait(_Due(news))

    async def run(self) -> None:
        """Write down what is heard, and order what follows from it, until cancelled."""
        while True:
            due = await self._due.get()
            await self._do(due)
            self._due.task_done()

    async def settled(self) -> None:
        """Wait until all that has been heard is written down."""
        await self._due.join()

    async def _do(self, due: _Due) -> None:
        wwsf_id = due.news.wwsf
        heard = self._known.heard(due.news, self._clock.now())
        while True:
            try:
                await self._store.write({wwsf_id: heard.each[wwsf_id]}, due.released)
                await self._orders.issue(*due.cuts)
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._watch.blocks_failed(error)
                await asyncio.sleep(PAUSE)
        if due.released:
            self.released()
        written = self._known.heard(due.news, self._clock.now())
        if written is not self._known:
            self._know(written)
            if due.wwsf is not None:
                self._tell_standing(due.wwsf, written.each[wwsf_id])

    def _know(self, blocks: Blocks) -> None:
        self._known = blocks
        for subscriber in tuple(self._subscribers):
            subscriber(blocks)

    def _tell_standing(self, wwsf: Wwsf, state: BlockState) -> None:
        self._watch.block_registered(wwsf.id, state)
        if missing := tuple(unconfirmed(wwsf, state)):
            self._watch.block_narrowed(wwsf.id, missing)


def _nobody() -> None:
    """Nobody has to know."""
