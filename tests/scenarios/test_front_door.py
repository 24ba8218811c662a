"""TLS ends in HAProxy, which hands the connection on with a PROXY header."""

from __future__ import annotations

import pytest
import websockets

from lab.deployment import Wishes
from lab.wic import Wic


ALICE = "sip:alice@ims.example"


@pytest.fixture
def fronted(own_lab):
    """A deployment with HAProxy in front."""
    return own_lab(Wishes(behind_front=True))


@pytest.mark.req("S003-7")
async def test_a_browser_registers_through_the_front_end(fronted):
    async with await fronted.connect() as wic:
        peer = wic.socket.local_address
        reply = await wic.register(ALICE, fronted.bearer())
        doors = list(fronted.edge.rows("ep_door").values())
        refused = await wic.register(ALICE, fronted.bearer(aud="elsewhere"))

        assert reply.status == 200
        # the address is the browser's, not the front end's
        assert f"rport={peer[1]}" in reply.all("Via")[0]
        assert doors == ["portal|front|-"]
        assert refused.status == 401
        assert (await wic.closed()).code == 1008


@pytest.mark.req("S003-16")
async def test_a_foreign_page_is_refused_behind_the_front_end(fronted):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await Wic.connect(fronted.url, origin="https://evil.example", ssl=fronted.trust())

    assert refused.value.response.status_code == 403
