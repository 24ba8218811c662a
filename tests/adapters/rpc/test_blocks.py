"""Blocks as operators provision them, and as edges tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from google.protobuf import field_mask_pb2

from epcscf.admin.v1 import blocks_pb2, blocks_pb2_grpc
from epcscf.admin.v1 import policy_pb2 as pb
from epcscf.control.v1 import blocks_pb2 as control
from epcscfd.domain.block import ha1_of
from epcscfd.domain.identity import Impi
from epcscfd.domain.policy import WwsfId
from epcscfd.rpc.blocks import BlockAdmin, Parts
from epcscfd.rpc.convert.blocks import news_from_proto
from tests.adapters.rpc.administer import Admin, failure_of
from tests.adapters.rpc.conftest import served
from tests.builders import a_block, block_news, from_now, some_blocks
from tests.fakes.memory import MemoryBlocks


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from epcscfd.domain.block import Block

PILOT, IMPI, RANGE = "sip:pilot@home1.net", "shop@home1.net", "sip:wic!.*!@home1.net"
IN_BLOCK = pb.IdentityRange(range=RANGE, mode=pb.IdentityRange.BLOCK)


def a_message(**changes: Any) -> pb.Block:
    usual = {"pilot": PILOT, "impi": IMPI, "mode": pb.Block.STATIC, "addresses": ["192.0.2.7"]}
    return pb.Block(**(usual | changes))


async def create(admin: Admin, key: str = "shop", **block: Any) -> pb.Wwsf:
    return await admin.create_wwsf(
        key,
        origins=[f"https://{key}.example"],
        ranges=[IN_BLOCK] if key == "shop" else [],
        block=a_message(**block),
    )


class Office:
    """The other service, beside that of the policy."""

    def __init__(self, admin: Admin, channel: grpc.aio.Channel, blocks: MemoryBlocks) -> None:
        self.admin, self.blocks = admin, blocks
        self.stub: blocks_pb2_grpc.BlockAdminAsyncStub = blocks_pb2_grpc.BlockAdminStub(channel)

    async def set_password(self, text: str = "open sesame", wwsf: str = "wwsfs/shop") -> None:
        await self.stub.SetBlockPassword(
            blocks_pb2.SetBlockPasswordRequest(wwsf=wwsf, password=text)
        )

    @property
    def kept(self) -> Block:
        block = self.admin.kept.board.current().wwsfs[WwsfId("shop")].block
        assert block is not None
        return block

    async def update(self, **fields: Any) -> pb.Wwsf:
        return await self.admin.stub.UpdateWwsf(
            pb.UpdateWwsfRequest(
                wwsf=pb.Wwsf(name="wwsfs/shop", **fields),
                update_mask=field_mask_pb2.FieldMask(paths=list(fields)),
            )
        )


@pytest_asyncio.fixture
async def office(tmp_path: Path, directory: Path, admin: Admin) -> AsyncIterator[Office]:
    blocks = MemoryBlocks()
    parts = Parts(admin.kept.store, admin.kept.board, blocks, admin)
    place = directory / "second"
    place.mkdir()
    await admin.create_domain()
    await admin.create_entity()
    async with served(place, BlockAdmin(parts)) as server:
        yield Office(admin, server.channel, blocks)


@pytest.mark.req("S002-17")
async def test_a_block_is_kept_and_given_back(office: Office) -> None:
    made = await create(office.admin, addresses=["192.0.2.7", "2001:DB8::/32"])
    read = await office.admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/shop"))

    assert read.block == made.block
    assert read.block == a_message(addresses=["192.0.2.7/32", "2001:db8::/32"])
    assert list(read.ranges) == [IN_BLOCK]


@pytest.mark.req("S002-17")
@pytest.mark.parametrize(
    ("lacking", "field"),
    [
        ({"pilot": ""}, "block.pilot"),
        ({"impi": ""}, "block.impi"),
        ({"mode": 0}, "block.mode"),
        ({"mode": 7}, "block.mode"),
        ({"pilot": "pilot"}, "block.pilot"),
        ({"addresses": ["192.0.2.0/33"]}, "block.addresses"),
        ({"addresses": ["192.0.2.7/24"]}, "block.addresses"),
        ({"addresses": ["wws.shop.example"]}, "block.addresses"),
        ({"addresses": []}, "block.client_certificates"),
    ],
)
async def test_what_a_block_lacks_is_said_by_field(
    office: Office, lacking: dict[str, Any], field: str
) -> None:
    code, _, metadata = await failure_of(create(office.admin, **lacking))

    assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, field)


@pytest.mark.req("S002-17")
async def test_a_pilot_is_one_block_s(office: Office) -> None:
    await create(office.admin)
    wanted = office.admin.create_wwsf(
        "other",
        origins=["https://other.example"],
        ranges=[pb.IdentityRange(range="sip:desk!.*!@home1.net", mode=pb.IdentityRange.BLOCK)],
        block=a_message(),
    )
    code, _, metadata = await failure_of(wanted)

    assert (code, metadata["name"]) == (grpc.StatusCode.ALREADY_EXISTS, "wwsfs/shop")


@pytest.mark.req("S002-17")
async def test_a_password_is_kept_as_a_digest_and_never_told(office: Office) -> None:
    await create(office.admin)
    await office.set_password()
    read = await office.admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/shop"))

    assert office.kept.ha1 == ha1_of(Impi.parse(IMPI), "home1.net", "open sesame")
    assert read.block.password_set
    assert office.kept.ha1 not in str(read)
    assert office.admin.edits[-1] == ("set block password", "wwsfs/shop")


@pytest.mark.req("S002-17")
async def test_an_edit_keeps_the_password_while_it_is_of_the_same_account(office: Office) -> None:
    await create(office.admin)
    await office.set_password()
    await office.update(display_name="Shop")
    await office.update(block=a_message(addresses=["192.0.2.8"]))
    assert office.kept.ha1
    other = await office.update(block=a_message(impi="other@home1.net"))

    assert office.kept.ha1 == ""
    assert not other.block.password_set


@pytest.mark.parametrize("text", ["short", "x" * 129, "pässwörter", "line\nbreak"])
async def test_a_password_that_is_none_is_refused(office: Office, text: str) -> None:
    await create(office.admin)

    code, _, metadata = await failure_of(office.set_password(text))
    assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "password")
    assert office.kept.ha1 == ""


async def test_there_is_no_password_where_the_core_asks_for_it(office: Office) -> None:
    await create(office.admin, mode=pb.Block.REGISTRATION)

    code, _, metadata = await failure_of(office.set_password())
    assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "wwsf")


async def test_who_has_no_such_wwsf_is_told_so(office: Office) -> None:
    code, _, _ = await failure_of(office.set_password(wwsf="wwsfs/nobody"))

    assert code is grpc.StatusCode.NOT_FOUND


async def test_blocks_are_listed_with_how_they_stand(office: Office) -> None:
    await create(office.admin)
    empty = await office.stub.ListBlocks(blocks_pb2.ListBlocksRequest())
    office.blocks.known = some_blocks(confirmed=["sip:other!.*!@home1.net"])
    (standing,) = (await office.stub.ListBlocks(blocks_pb2.ListBlocksRequest())).blocks

    assert not empty.blocks[0].HasField("registered_until")
    assert (standing.wwsf, list(standing.ranges)) == ("wwsfs/shop", [RANGE])
    assert standing.registered_until.ToSeconds() == int(from_now(600).timestamp())
    assert list(standing.unconfirmed_ranges) == [RANGE]


def test_what_an_edge_tells_is_read() -> None:
    told = control.BlockNews(
        wwsf="shop",
        account=a_block().account,
        told_at=1,
        registered_until=int(from_now(600).timestamp()),
    )
    ended = control.BlockNews(wwsf="shop", account="a", told_at=2, cause=control.BlockNews().cause)

    assert news_from_proto(told) == block_news()
    assert news_from_proto(ended) == block_news(account="a", told_at=2, until=None)
