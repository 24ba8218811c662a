"""Ranges of different WWSFs must not overlap.

An identity that two WWSFs could own would be nobody's, and all its users refused from the moment
of the edit that made it so. Equal ranges the database refuses by itself; whether two that differ
have an identity in common is for automata, and bounded.
"""

from __future__ import annotations

import asyncio

from bisect import bisect_left
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING

from sqlalchemy import select

from epcscfd.app.provisioning import name_of
from epcscfd.domain.overlap import Effort, TooComplex, common_identity
from epcscfd.domain.policy import Wwsf
from epcscfd.domain.ranges import IdentityRange, parse_identities
from epcscfd.errors import InvalidArgument, RangeOverlap, quote
from epcscfd.store.schema import wwsf_ranges


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.app.provisioning import Resource


async def check_ranges(connection: AsyncConnection, resource: Resource) -> None:
    """Raise RangeOverlap if a range of *resource*, a WWSF, overlaps one of another WWSF.

    Raise InvalidArgument if that cannot be told.
    """
    if not isinstance(resource, Wwsf) or not resource.ranges:
        return
    columns = wwsf_ranges.c
    statement = select(columns.value, columns.owner).where(columns.owner != resource.id)
    found = await connection.execute(statement.order_by(columns.value))
    others = [(row.owner, row.value) for row in found]
    # Beside the loop, which has REGISTERs to judge.
    await asyncio.to_thread(_compare, resource.ranges, others)


def _compare(ranges: Iterable[IdentityRange], others: Iterable[tuple[str, str]]) -> None:
    """Compare *ranges* with *others*, of which each is an owner and a text."""
    effort = Effort()
    by_beginning: dict[str, list[tuple[str, str]]] = {}
    for owner, text in others:
        by_beginning.setdefault(_beginning(text), []).append((owner, text))
    beginnings = sorted(by_beginning)
    for each in sorted(ranges, key=str):
        near = _alike(_beginning(str(each)), beginnings)
        for owned in chain.from_iterable(by_beginning[beginning] for beginning in near):
            _compare_two(each, owned, effort)


def _beginning(text: str) -> str:
    return text.partition("!")[0]


def _alike(begin: str, beginnings: list[str]) -> Iterator[str]:
    """Give those of *beginnings*, in order, that begin like *begin* or that it begins like.

    No others need be compared, and of thousands these are few.
    """
    for length in range(len(begin)):
        place = bisect_left(beginnings, begin[:length])
        if beginnings[place : place + 1] == [begin[:length]]:
            yield begin[:length]
    longer = islice(beginnings, bisect_left(beginnings, begin), None)
    yield from takewhile(lambda each: each.startswith(begin), longer)


def _compare_two(each: IdentityRange, owned: tuple[str, str], effort: Effort) -> None:
    owner, text = owned
    try:
        common = common_identity(each, IdentityRange(parse_identities(text)), effort)
    except TooComplex:
        why = f"{quote(str(each))} cannot be told apart from {quote(text)}: write it simpler"
        raise InvalidArgument("ranges", why) from None
    if common is not None:
        raise RangeOverlap(str(each), text, name_of(Wwsf, owner), str(common))
