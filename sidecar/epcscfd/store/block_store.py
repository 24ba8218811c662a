"""What edges have told of blocks, in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from epcscfd.domain.block import Blocks, BlockState
from epcscfd.domain.policy import WwsfId
from epcscfd.store.counting import add_events
from epcscfd.store.notices import announce
from epcscfd.store.standing import block_states
from epcscfd.store.transactions import reading, replacing, writing


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.domain.release import Release


class SqlBlocks:
    """Keeps what is known; see `app.blocks.BlockStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self) -> Blocks:
        """Give all that is known."""
        async with reading(self._engine) as connection:
            return Blocks(await _known(connection))

    async def write(
        self, states: Mapping[WwsfId, BlockState], released: Sequence[Release]
    ) -> None:
        """Write down those *states* that are newer than what is kept, and what was *released*."""
        async with writing(self._engine) as connection:
            known = await _known(connection)
            newer = {
                wwsf: state
                for wwsf, state in states.items()
                if wwsf not in known or known[wwsf].told_at < state.told_at
            }
            for wwsf, state in newer.items():
                await connection.execute(replacing(connection, block_states), [_row(wwsf, state)])
            await add_events(connection, [each for each in released if each.wwsf in newer])
            await announce(connection)


async def _known(connection: AsyncConnection) -> dict[WwsfId, BlockState]:
    found = await connection.execute(select(block_states))
    return {WwsfId(row["wwsf"]): _state(row) for row in found.mappings()}


def _state(row: RowMapping) -> BlockState:
    confirmed = row["confirmed"]
    return BlockState(
        account=row["account"],
        told_at=row["told_at"],
        until=row["until"],
        begun_at=row["begun_at"],
        confirmed=None if confirmed is None else frozenset(confirmed),
    )


def _row(wwsf: WwsfId, state: BlockState) -> dict[str, object]:
    return {
        "wwsf": wwsf,
        "account": state.account,
        "told_at": state.told_at,
        "until": state.until,
        "begun_at": state.begun_at,
        "confirmed": None if state.confirmed is None else sorted(state.confirmed),
    }
