"""News of blocks are said until they are heard; how long a block stands, the sidecar says."""

from __future__ import annotations

from base64 import b64encode

import pytest

from authorizer import blocks as blocks_module
from authorizer.blocks import Blocks, block_tables
from authorizer.rows import UnsafeVerdictError, coded
from epcscf.control.v1 import blocks_pb2
from epcscf.control.v1 import registrations_pb2 as told
from tests.kemi.builders import NOW, an_account


UNTIL = int(NOW) + 600
ACCOUNT = coded("account of shop")
TALE = f"shop|{ACCOUNT}|1700000000.000250|{UNTIL}|"
TOLD_AT = 1_700_000_000_000_250


@pytest.fixture(autouse=True)
def _clock(monkeypatch, time):
    monkeypatch.setattr(blocks_module, "time", time)


class Desk:
    """Blocks, and what they have said."""

    def __init__(self, kamailio):
        self.said = []
        self.blocks = Blocks(kamailio, self.said.append)

    def news(self):
        """Give what was said since the last time."""
        said, self.said[:] = [frame.block for frame in self.said], []
        return said


@pytest.fixture
def desk(kamailio):
    return Desk(kamailio)


def registered(ksr):
    return ksr.htable.content("ep_registered")


def test_what_the_native_routes_tell_is_said_at_once(desk):
    desk.blocks.told(TALE)
    desk.blocks.told(f"shop|{ACCOUNT}|1700000001.5|0|network")

    assert desk.news() == [
        blocks_pb2.BlockNews(
            wwsf="shop", account="account of shop", told_at=TOLD_AT, registered_until=UNTIL
        ),
        blocks_pb2.BlockNews(
            wwsf="shop",
            account="account of shop",
            told_at=1_700_000_001_000_005,
            cause=told.CAUSE_NETWORK,
        ),
    ]


@pytest.mark.req("S002-31")
def test_news_are_said_again_on_each_stream_until_a_view_shows_that_they_were_heard(desk):
    desk.blocks.told(TALE)
    (first,) = desk.news()
    desk.blocks.connected()
    desk.blocks.replace([an_account(told_at=TOLD_AT - 1)])
    desk.blocks.connected()
    assert desk.news() == [first, first]
    desk.blocks.replace([an_account(told_at=TOLD_AT, registered_until=UNTIL)])
    desk.blocks.connected()

    assert desk.news() == []


@pytest.mark.parametrize("view", [[], [an_account(account="another")]])
def test_news_of_a_block_that_is_no_more_are_not_said_again(desk, view):
    desk.blocks.told(TALE)
    desk.news()
    desk.blocks.replace(view)
    desk.blocks.connected()

    assert desk.news() == []


@pytest.mark.req("S002-31")
def test_after_a_restart_a_block_stands_for_as_long_as_the_sidecar_says(ksr, desk):
    desk.blocks.replace([an_account(registered_until=UNTIL)])

    assert registered(ksr) == {"shop": ACCOUNT}
    assert ksr.htable.life("ep_registered", "shop") == 600


@pytest.mark.parametrize("until", [0, int(NOW) - 5, int(NOW)])
@pytest.mark.req("S002-29")
def test_what_is_over_does_not_stand(ksr, desk, until):
    ksr.htable.sht_setxs("ep_registered", "shop", ACCOUNT, 60)
    desk.blocks.replace([an_account(registered_until=until)])

    assert registered(ksr) == {}


def test_a_view_that_knows_less_than_this_node_changes_nothing(ksr, desk):
    """It was on its way when the web server registered."""
    ksr.htable.sht_setxs("ep_registered", "shop", ACCOUNT, 60)
    desk.blocks.told(TALE)
    desk.blocks.replace([an_account()])

    assert registered(ksr) == {"shop": ACCOUNT}


def test_a_block_that_the_policy_lost_does_not_stand(ksr, desk):
    ksr.htable.sht_setxs("ep_registered", "shop", ACCOUNT, 60)
    desk.blocks.replace([])

    assert registered(ksr) == {}


@pytest.mark.req("S002-17")
def test_a_block_of_a_mode_of_a_later_contract_cannot_be_registered():
    assert block_tables([an_account(mode=7)]) == {"ep_block": {}, "ep_block_range": {}}


@pytest.mark.req("S002-17")
@pytest.mark.parametrize("field", ["ha1", "wwsf"])
def test_what_would_break_a_row_is_not_written(field):
    with pytest.raises(UnsafeVerdictError):
        block_tables([an_account(**{field: "a|b"})])


@pytest.mark.req("S002-19")
def test_ranges_are_found_as_json_writes_them():
    tables = block_tables([an_account(ranges=['sip:a!"?!@x.example', "sip:b!\\.!@x.example"])])

    assert tables["ep_block_range"] == {
        'shop|"sip:a!\\"?!@x.example"': "0",
        'shop|"sip:b!\\\\.!@x.example"': "1",
    }


FULL = b64encode(
    b'<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" state="full">'
    b'<registration aor="sip:shop@ims.example" state="active"/>'
    b'<registration aor="sip:wic1@ims.example" state="active"><e:wildcardedIdentity'
    b' xmlns:e="urn:3gpp:ns:extRegInfo:1.0">sip:wic!.*!@ims.example</e:wildcardedIdentity>'
    b"</registration></reginfo>"
).decode()


@pytest.mark.req("S002-25")
def test_what_the_core_confirms_is_said_with_how_long_the_block_stands(ksr, desk, time):
    desk.blocks.replace([an_account(registered_until=UNTIL)])
    time.pass_by(10)
    desk.blocks.notified(FULL)

    (news,) = desk.news()
    assert list(news.confirmed_ranges) == ["sip:wic!.*!@ims.example"]
    assert (news.wwsf, news.registered_until) == ("shop", UNTIL)
    assert news.told_at == int((NOW + 10) * 1_000_000)


@pytest.mark.req("S002-25")
@pytest.mark.parametrize(
    "account",
    [
        an_account(),
        an_account(registered_until=UNTIL, mode=blocks_pb2.BlockAccount.STATIC),
        an_account(registered_until=UNTIL, pilot="sip:other@ims.example"),
    ],
)
def test_what_is_confirmed_of_no_block_that_stands_in_the_core_is_passed_over(desk, account):
    desk.blocks.replace([account])
    desk.blocks.notified(FULL)
    desk.blocks.notified(b64encode(b"<!no").decode())

    assert desk.news() == []


def test_whoever_heard_of_notifies_before_hears_of_them_first(desk):
    heard = []
    tales = {"notify": heard.append}
    desk.blocks.listen(tales)
    tales["notify"](FULL)
    tales["block"](TALE)

    assert heard == [FULL]
    assert [news.wwsf for news in desk.news()] == ["shop"]
