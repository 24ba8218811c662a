"""Which members of a static range a site lends."""

from __future__ import annotations

import pytest

from demo.wwsf.pool.lease import Pair
from demo.wwsf.pool.members import members
from demo.wwsf.settings import PoolPair, Range
from tests.demo.site import a_pool


ROOMS = "sip:room-!1[0-9]{2}!@ims.example"


def a_range(**deviations):
    values = {"identities": ROOMS, "first": 101, "last": 103, "impi_realm": "inn.example"}
    return Range(**{**values, **deviations})


@pytest.mark.req("S001-26")
@pytest.mark.parametrize(
    ("identities", "number", "member"),
    [
        (ROOMS, 101, Pair("room-101@inn.example", ("sip:room-101@ims.example",))),
        (
            "sip:!.*!-guest@ims.example",
            7,
            Pair("7-guest@inn.example", ("sip:7-guest@ims.example",)),
        ),
        ("tel:+4940!([0-9]{3})!", 123, Pair("+4940123@inn.example", ("tel:+4940123",))),
    ],
)
def test_a_number_takes_the_place_of_the_expression(identities, number, member):
    assert members(identities, [number], "inn.example") == [member]


@pytest.mark.req("S001-26")
def test_a_range_is_lent_from_its_first_member_to_its_last():
    stock = a_pool(range=a_range()).stock()

    assert [pair.impi for pair in stock] == [f"room-{n}@inn.example" for n in (101, 102, 103)]


@pytest.mark.req("S001-26")
@pytest.mark.parametrize(
    ("deviation", "mistake"),
    [
        ({"first": 99}, "`sip:room-99@ims.example` is not in the range"),
        ({"last": 200}, "`sip:room-200@ims.example` is not in the range"),
        ({"identities": "sip:room-101@ims.example"}, "!"),
        ({"first": 104}, "1 to 10000 members"),
        ({"identities": "sip:room-!.*!@ims.example", "last": 10_101}, "1 to 10000 members"),
    ],
)
def test_what_cannot_be_lent_is_an_error_in_the_settings(deviation, mistake):
    """The eP-CSCF would refuse who has it, far from here."""
    with pytest.raises(ValueError, match=mistake):
        a_pool(range=a_range(**deviation))


def test_a_pool_lends_pairs_or_members_of_a_range():
    pair = PoolPair(impi="p1@pool.example", impus=["sip:p1@pool.example"])

    with pytest.raises(ValueError, match="not both"):
        a_pool(pairs=[pair], range=a_range())
