"""Blocks and ranges of WWSFs: how they lie in their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epcscfd.domain.block import Block, BlockMode
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.ranges import IdentityRange, RangeMode, parse_identities


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import RowMapping

    from epcscfd.domain.policy import Wwsf


def range_members(wwsf: Wwsf) -> Iterable[tuple[Any, ...]]:
    """Give the rows of the ranges of *wwsf*."""
    return (
        (str(each), RangeMode.STATIC.value, each.enabled, each.mode is RangeMode.BLOCK)
        for each in wwsf.ranges
    )


def range_of(text: str, mode: str, enabled: bool, in_block: bool) -> IdentityRange:  # noqa: FBT001 - a row
    """Make the range that a row holds."""
    of_mode = RangeMode.BLOCK if in_block else RangeMode(mode)
    return IdentityRange(parse_identities(text), of_mode, enabled)


def block_columns(block: Block | None) -> dict[str, Any]:
    """Give the columns of *block* in the row of its WWSF."""
    return {
        "block_mode": block.mode.value if block else "",
        "block_impi": str(block.impi) if block else "",
        "block_ha1": block.ha1 if block else "",
    }


def pilots(wwsf: Wwsf) -> Iterable[str]:
    """Give the pilot of the block of *wwsf*, which is nobody else's."""
    return (str(wwsf.block.pilot),) if wwsf.block else ()


def block_certificates(wwsf: Wwsf) -> Iterable[str]:
    """Give the certificates that its web server may show."""
    return wwsf.block.client_certificates if wwsf.block else ()


def block_addresses(wwsf: Wwsf) -> Iterable[str]:
    """Give the networks that its web server may come from."""
    return wwsf.block.addresses if wwsf.block else ()


def block_of(row: RowMapping, lists: Mapping[str, frozenset[Any]]) -> Block | None:
    """Make the block that a row of a WWSF and its lists hold, if it has one."""
    if not row["block_mode"]:
        return None
    (pilot,) = lists["block.pilot"]
    return Block(
        pilot=Impu.parse(pilot),
        impi=Impi.parse(row["block_impi"]),
        mode=BlockMode(row["block_mode"]),
        client_certificates=lists["block.client_certificates"],
        addresses=lists["block.addresses"],
        ha1=row["block_ha1"],
    )
