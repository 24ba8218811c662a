"""OwnershipAdmin: whose an identity is, and by which record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from epcscf.admin.v1 import ownership_pb2 as pb
from epcscf.admin.v1 import ownership_pb2_grpc
from epcscfd.rpc.ownership import OwnershipAdmin
from tests.adapters.rpc.administer import failure_of
from tests.adapters.rpc.conftest import served
from tests.adapters.rpc.talk import Feed
from tests.builders import a_policy, a_subscription, a_wwsf
from tests.fakes.memory import MemoryBlocks


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from epcscf.admin.v1.ownership_pb2_grpc import OwnershipAdminAsyncStub

POLICY = a_policy(
    revision=7,
    wwsfs=[
        a_wwsf(ranges=["sip:!(alice|room-.*)!@home1.net", "off sip:room-1!.*!@home1.net"]),
        a_wwsf(id="other", pool={"impi": ["v1@home1.net"], "realms": ["pool.example"]}),
        a_wwsf(id="third"),
        a_wwsf(id="twin-1", ranges=["tel:+4989!.*!"]),
        a_wwsf(id="twin-2", ranges=["tel:+4989!.*!"]),
    ],
    subscriptions=[a_subscription(wwsfs=["other", "third"])],
)


@pytest_asyncio.fixture
async def stub(directory: Path) -> AsyncIterator[OwnershipAdminAsyncStub]:
    async with served(directory, OwnershipAdmin(Feed(POLICY), MemoryBlocks())) as server:
        stub: OwnershipAdminAsyncStub = ownership_pb2_grpc.OwnershipAdminStub(server.channel)
        yield stub


def record(kind: pb.Record.Kind.ValueType, name: str, entry: str, **fields: object) -> pb.Record:
    return pb.Record(kind=kind, name=name, entry=entry, **fields)  # type: ignore[arg-type]


async def test_records_come_in_the_order_in_which_they_count(
    stub: OwnershipAdminAsyncStub,
) -> None:
    found = await stub.LookUpOwner(
        pb.LookUpOwnerRequest(impu="SIP:alice@HOME1.net;user=phone", impi="v1@home1.net")
    )

    assert (found.impu, found.revision) == ("sip:alice@home1.net", 7)
    assert list(found.records) == [
        record(
            pb.Record.SUBSCRIPTION,
            "subscriptions/alice@home1.net",
            "alice@home1.net",
            wwsfs=["wwsfs/other", "wwsfs/third"],
        ),
        record(pb.Record.POOL, "wwsfs/other", "v1@home1.net", wwsfs=["wwsfs/other"]),
        record(
            pb.Record.RANGE,
            "wwsfs/shop",
            "sip:!(alice|room-.*)!@home1.net",
            wwsfs=["wwsfs/shop"],
            enabled=True,
        ),
    ]


async def standings(stub: OwnershipAdminAsyncStub, **fields: str) -> dict[str, tuple[str, str]]:
    found = await stub.LookUpOwner(pb.LookUpOwnerRequest(**fields))
    return {
        each.wwsf: (pb.Standing.Ownership.Name(each.ownership), each.reason)
        for each in found.standings
    }


FOREIGN = ("FOREIGN", "identity_not_owned")


async def test_a_subscription_is_for_those_whom_it_admits(stub: OwnershipAdminAsyncStub) -> None:
    assert await standings(stub, impu="sip:alice@home1.net") == {
        "wwsfs/other": ("PROVEN", ""),
        "wwsfs/shop": FOREIGN,
        "wwsfs/third": ("PROVEN", ""),
    }


async def test_another_impi_makes_another_standing(stub: OwnershipAdminAsyncStub) -> None:
    impu = "sip:alice@home1.net"

    assert (await standings(stub, impu=impu, impi="v1@home1.net"))["wwsfs/other"] == FOREIGN
    assert await standings(stub, impu="sip:x@home1.net", impi="u1@pool.example") == {
        "wwsfs/other": ("PROVEN", "")
    }


@pytest.mark.parametrize(
    ("impu", "wwsf", "expected"),
    [
        ("sip:room-2@home1.net", "shop", ("PROVEN", "")),
        ("sip:room-17@home1.net", "shop", ("PROVEN", "")),
        ("sip:room-2@home1.net", "third", FOREIGN),
        ("sip:lobby@home1.net", "shop", ("FOREIGN", "identity_outside_ranges")),
        ("sip:lobby@home1.net", "third", ("UNPROVEN", "")),
        ("sip:lobby@home1.net", "other", ("PROVEN", "")),
        ("tel:+49891", "twin-1", ("CONTESTED", "identity_contested")),
    ],
)
async def test_one_wwsf_can_be_asked_about(
    stub: OwnershipAdminAsyncStub, impu: str, wwsf: str, expected: tuple[str, str]
) -> None:
    name = f"wwsfs/{wwsf}"

    assert await standings(stub, impu=impu, wwsf=name) == {name: expected}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"impu": "alice"}, (grpc.StatusCode.INVALID_ARGUMENT, "impu")),
        ({"impu": ""}, (grpc.StatusCode.INVALID_ARGUMENT, "impu")),
        ({"impu": "sip:a@d", "impi": "a"}, (grpc.StatusCode.INVALID_ARGUMENT, "impi")),
        ({"impu": "sip:a@d", "wwsf": "shop"}, (grpc.StatusCode.INVALID_ARGUMENT, "wwsf[0]")),
        ({"impu": "sip:a@d", "wwsf": "wwsfs/x"}, (grpc.StatusCode.NOT_FOUND, "wwsfs/x")),
    ],
)
async def test_what_cannot_be_looked_up_is_refused(
    stub: OwnershipAdminAsyncStub, fields: dict[str, str], expected: tuple[grpc.StatusCode, str]
) -> None:
    code, _, metadata = await failure_of(stub.LookUpOwner(pb.LookUpOwnerRequest(**fields)))

    assert (code, metadata.get("field") or metadata["name"]) == expected
