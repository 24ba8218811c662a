"""How much a WWSF, and each of its pages, may ask of an edge: more is put off (SX-22)."""

from __future__ import annotations

import contextlib

import pytest

from lab.deployment import Deployment, Wishes
from lab.wic import Closed, Wic
from tests.scenarios.provisioning import provide


POLICY = """
[wwsfs.mall]
origins = ["https://one.mall.example", "https://two.mall.example"]
authorization_entities = ["waf"]

[wwsfs.small]
origins = ["https://small.example"]
authorization_entities = ["waf"]
quota.max_registrations = 2

[wwsfs.slow]
origins = ["https://slow.example"]
authorization_entities = ["waf"]
quota.max_first_sights = 2
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A deployment with WWSFs that may do little."""
    wishes = Wishes(edge={"EPCSCF_RATE_ORIGIN": 6, "EPCSCF_GRACE": 1})
    with Deployment(tmp_path_factory.mktemp("market"), wishes) as lab:
        provide(lab, POLICY)
        yield lab


@pytest.fixture
async def enter(market):
    """Register one more user over a page; return the WIC and the answer."""
    numbers = iter(range(100))
    async with contextlib.AsyncExitStack() as opened:

        async def another(wwsf, page):
            impi = f"user{next(numbers)}@ims.example"
            wic = await Wic.connect(market.url, origin=f"https://{page}", ssl=market.trust())
            await opened.enter_async_context(wic)
            bearer = market.bearer("portal", impi, client_id=wwsf)
            return wic, await wic.register(f"sip:{impi}", bearer)

        yield another


def reasons(lab, mark):
    return [line for line in lab.edge.log.lines(mark) if "register.unavailable" in line]


@pytest.mark.req("SX-22")
async def test_a_page_with_too_many_first_sights_is_put_off_and_others_of_its_wwsf_are_not(
    market, enter
):
    mark = market.edge.log.mark()
    replies = [(await enter("mall", "one.mall.example"))[1] for _ in range(14)]
    _, other = await enter("mall", "two.mall.example")

    # fourteen in a row touch two windows at most, each of which lets six through
    put_off = [reply for reply in replies if reply.status == 503]
    assert [reply.status for reply in replies[:6]] == [200] * 6
    assert len(put_off) >= 2
    assert all(5 <= int(reply.one("Retry-After")) <= 10 for reply in put_off)
    assert all("why=rate_of_origin" in line for line in reasons(market, mark))
    assert other.status == 200


@pytest.mark.req("SX-22")
async def test_a_wwsf_may_be_given_fewer_first_sights_than_others(market, enter):
    mark = market.edge.log.mark()
    replies = [(await enter("slow", "slow.example"))[1] for _ in range(6)]

    assert [reply.status for reply in replies[:2]] == [200] * 2
    assert len([reply for reply in replies if reply.status == 503]) >= 2
    assert any("why=rate_of_wwsf" in line for line in reasons(market, mark))


@pytest.mark.req("SX-22")
async def test_a_wwsf_has_no_more_registrations_than_its_quota(market, enter):
    mark = market.edge.log.mark()
    (wic, first), (_, second), (third, refused) = [
        await enter("small", "small.example") for _ in range(3)
    ]
    assert [first.status, second.status, refused.status] == [200, 200, 503]
    assert int(refused.one("Retry-After")) > 0
    (line,) = reasons(market, mark)
    assert "why=quota_of_wwsf" in line

    # who stands is not concerned, and who leaves makes room
    impi = "user0@ims.example"
    bearer = market.bearer("portal", impi, client_id="small")
    assert (await wic.register(f"sip:{impi}", bearer)).status == 200
    assert (await wic.register(f"sip:{impi}", None, expires=0)).status == 200
    assert await third.closed() == Closed(1013, "try again later")
    assert (await enter("small", "small.example"))[1].status == 200


@pytest.mark.req("SX-22")
async def test_nothing_is_left_of_the_pages_that_are_gone(market, enter):
    wic, _ = await enter("portal", "portal.ims.example")
    rows = market.edge.rows
    ((conid, _),) = (
        row for row in rows("ep_page").items() if row[1] == "https://portal.ims.example"
    )
    await wic.abort()
    market.edge.wait_until(
        lambda: conid not in rows("ep_page") and conid not in rows("ep_door"),
        seconds=5,
        what="end of the page",
    )
