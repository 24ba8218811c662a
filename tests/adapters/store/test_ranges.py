"""Ranges, credentials and quotas in a store, and ranges that get in each other's way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from epcscfd.domain.policy import Quota, Wwsf, WwsfId
from epcscfd.errors import InvalidArgument, RangeOverlap
from tests.builders import a_subscription, a_wwsf, an_entity, some_ranges


if TYPE_CHECKING:
    from epcscfd.domain.policy import Policy
    from tests.adapters.conftest import Kept

HOTEL = a_wwsf(
    ranges=["sip:room-!.*!@home1.net", "off tel:+4989!([0-9]{4})!", "sip:lobby@home1.net"],
    credentials="token_or_digest",
    quota={"max_registrations": 500, "max_first_sights": 20},
    token_in_every_request=True,
)


def another(**changes: Any) -> Wwsf:
    return a_wwsf(**({"id": "other", "client_id": "o", "origins": []} | changes))


async def change(kept: Kept, key: str, **changes: Any) -> Wwsf:
    """Change one WWSF; give it as it is then, but for its epoch."""
    stored = await kept.store.update(
        (Wwsf, key, ""), lambda current: replace(current.resource, **changes)
    )
    return replace(stored.resource, epoch=0)


async def test_ranges_credentials_and_quota_are_read_back(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(HOTEL)

    policy = await kept.store.load()
    assert replace(policy.wwsfs[WwsfId("shop")], epoch=0) == HOTEL


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        ["sip:suite-!.*!@home1.net"],
        ["off sip:room-!.*!@home1.net", "tel:+4989!([0-9]{4})!", "sip:lobby@home1.net"],
    ],
    ids=["none", "another", "the same, enabled and disabled"],
)
async def test_ranges_are_replaced(kept: Kept, ranges: list[str]) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(HOTEL)

    assert await change(kept, "shop", ranges=some_ranges(ranges)) == replace(
        HOTEL, ranges=some_ranges(ranges)
    )


OVERLAPS = [
    ("sip:room-!.*!@home1.net", "sip:room-!.*!@home1.net", "sip:room-@home1.net"),
    ("sip:room-!.*!@home1.net", "sip:!(suite|room)-[0-9]{2}!@home1.net", "sip:room-00@home1.net"),
    ("sip:room-!.*!@home1.net", "off sip:room-17@home1.net", "sip:room-17@home1.net"),
    ("off sip:room-17@home1.net", "sip:room-!.*!@home1.net", "sip:room-17@home1.net"),
    ("tel:+4989!([0-9]{4})!", "tel:+49!([0-9]{6})!", "tel:+49890000"),
]


@pytest.mark.req("S001-24")
@pytest.mark.parametrize(("first", "second", "example"), OVERLAPS)
async def test_ranges_of_two_wwsfs_must_not_overlap(
    kept: Kept, first: str, second: str, example: str
) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf(ranges=[first]))
    await kept.store.create(another())

    with pytest.raises(RangeOverlap) as on_create:
        await kept.store.create(another(id="third", client_id="t", ranges=[second]))
    with pytest.raises(RangeOverlap) as on_update:
        await change(kept, "other", ranges=some_ranges([second]))

    for refused in (on_create.value, on_update.value):
        assert (refused.range, refused.other) == (
            second.removeprefix("off "),
            first.removeprefix("off "),
        )
        assert refused.wwsf == "wwsfs/shop"
        assert refused.example == example
    assert (await kept.store.load()).wwsfs.keys() == {"shop", "other"}


async def test_ranges_of_one_wwsf_may_overlap(kept: Kept) -> None:
    await kept.store.create(an_entity())
    ranges = ["sip:room-!.*!@home1.net", "off sip:room-1!.*!@home1.net", "sip:room-17@home1.net"]

    await kept.store.create(a_wwsf(ranges=ranges))

    assert await change(kept, "shop") == a_wwsf(ranges=ranges)


@pytest.mark.req("S001-32")
async def test_a_subscription_may_lie_within_a_range(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf(ranges=["sip:!.*!@home1.net"]))
    await kept.store.create(another())

    await kept.store.create(a_subscription(wwsfs=["other"]))

    assert (await kept.store.load()).subscriptions


async def test_ranges_that_cannot_be_told_apart_are_refused(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf(ranges=["sip:!(a?){200}b!@home1.net"]))

    with pytest.raises(InvalidArgument, match=r"ranges: .* write it simpler"):
        await kept.store.create(another(ranges=["sip:!(a?){200}c!@home1.net"]))


async def test_ranges_of_a_wwsf_that_is_gone_are_free_again(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(HOTEL)
    await kept.store.delete(Wwsf, "shop", "")

    await kept.store.create(another(ranges=["sip:room-!.*!@home1.net"]))


async def test_what_is_claimed_ends_verdicts_of_everybody(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf())
    edits: list[dict[str, Any]] = [
        {"ranges": some_ranges(["sip:room-!.*!@home1.net"])},
        {"pool": a_wwsf(pool={"impi": ["v1@home1.net"]}).pool},
        {"pool": a_wwsf(pool={"realms": ["pool.example"]}).pool},
    ]

    for edit in edits:
        before = await kept.store.load()
        await change(kept, "shop", **edit)
        assert shared(before) < shared(await kept.store.load())
    before = await kept.store.load()
    await kept.store.create(another(ranges=["sip:suite-!.*!@home1.net"]))
    assert shared(before) < shared(await kept.store.load())


async def test_what_claims_no_more_leaves_verdicts_of_others_alone(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(replace(HOTEL, pool=a_wwsf(pool={"impi": ["v1@home1.net"]}).pool))
    before = await kept.store.load()

    await change(kept, "shop", ranges=some_ranges(["off sip:room-!.*!@home1.net"]))
    await change(kept, "shop", pool=None, quota=Quota())
    await kept.store.create(another())
    await kept.store.delete(Wwsf, "shop", "")

    assert shared(before) == shared(await kept.store.load())


def shared(policy: Policy) -> int:
    return policy.shared_epoch


WRONG = [
    "UPDATE wwsfs SET credentials = 'none'",
    "UPDATE wwsfs SET credentials = NULL",
    "UPDATE wwsfs SET max_registrations = -1",
    "UPDATE wwsfs SET max_first_sights = -1",
    "UPDATE wwsf_ranges SET mode = 'dynamic'",
    "UPDATE wwsf_ranges SET owner = 'nobody'",
]


@pytest.mark.parametrize("statement", WRONG)
async def test_the_database_keeps_no_nonsense(kept: Kept, statement: str) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(HOTEL)

    with pytest.raises(IntegrityError):
        async with kept.engine.begin() as connection:
            await connection.execute(text(statement))
