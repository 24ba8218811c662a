"""A block, from a policy file and a password file to what an operator sees of it."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

import pytest

from epcscf.control.v1 import blocks_pb2
from epcscfd.domain.policy import WwsfId


if TYPE_CHECKING:
    from collections.abc import Sequence

    from epcscfd.domain.block import Block
    from tests.ctl.conftest import Operator

POLICY = """
[home_domains."ims.example"]

[wwsfs.shop]
origins = ["https://shop.example"]
proof_required = true
block.pilot = "sip:shop@ims.example"
block.impi = "shop@ims.example"
block.mode = "static"
block.addresses = ["203.0.113.7"]

[[wwsfs.shop.ranges]]
range = "sip:desk!.*!@ims.example"
mode = "block"
"""


def kept(operator: Operator) -> Block:
    block = operator.sidecar.board.current().wwsfs[WwsfId("shop")].block
    assert block is not None
    return block


async def set_up(operator: Operator) -> str:
    """Apply the policy and set the password; give the name of the policy file."""
    file = operator.file("policy.toml", POLICY)
    await operator.run("apply", "--yes", file)
    password = operator.file("password", "four words of shop\n")
    await operator.run("block", "password", "shop", "--password-file", password)
    return file


@pytest.mark.req("S002-17")
async def test_a_policy_file_gives_a_block_and_takes_no_password_away(operator: Operator) -> None:
    file = await set_up(operator)
    again = await operator.run("apply", "--yes", file)
    shown = await operator.run("wwsf", "get", "shop")

    assert again.stdout.startswith("nothing to do")
    assert len(kept(operator).ha1) == 64
    assert "block.password_set" in shown.stdout
    assert kept(operator).ha1 not in shown.stdout


@pytest.mark.req("S002-17")
async def test_what_a_file_lacks_is_said(operator: Operator) -> None:
    lacking = POLICY.replace('block.pilot = "sip:shop@ims.example"\n', "")
    told = await operator.run("apply", "--yes", operator.file("p.toml", lacking), succeed=False)

    assert "block.pilot: is needed" in told.stderr


async def test_a_block_is_listed_with_what_is_missing(operator: Operator) -> None:
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))
    before = await operator.run("block", "list")
    await set_up(operator)
    news = blocks_pb2.BlockNews(
        wwsf="shop",
        account=kept(operator).account,
        told_at=1,
        registered_until=4_102_444_800,
        confirmed_ranges=["sip:other!.*!@ims.example"],
    )
    async with operator.edge() as edge:
        await edge.say(block=news)
        told: Sequence[blocks_pb2.BlockAccount] = ()
        while not any(each.registered_until for each in told):
            told = (await edge.hear()).policy.blocks
    after = await operator.run("block", "list")
    as_json = json.loads((await operator.run("--output", "json", "block", "list")).stdout)

    for word in ("shop", "static", "sip:shop@ims.example", "not registered", "missing"):
        assert word in before.stdout
    assert "2100-01-01T00:00:00Z" in after.stdout
    assert "sip:desk!.*!@ims.example (not confirmed)" in after.stdout
    assert as_json[0]["registered_until"] == "2100-01-01T00:00:00Z"


async def test_flags_alone_make_no_block(operator: Operator) -> None:
    await operator.run("home-domain", "create", "ims.example")
    flags = ("--block-pilot", "sip:hall@ims.example", "--block-impi", "hall@ims.example")
    ways = ("--block-mode", "registration", "--block-address", "203.0.113.0/24")
    none = await operator.run("wwsf", "create", "hall", *flags, *ways, succeed=False)
    await operator.run("wwsf", "create", "hall", "--proof-required")
    asked = await operator.run(
        "range", "add", "hall", "sip:hall!.*!@ims.example", "--in-block", succeed=False
    )

    # a block needs a range and a range of a block needs a block: a file has both
    assert "ranges: a block needs one" in none.stderr
    assert "there is none" in asked.stderr


@pytest.mark.parametrize("text", ["short", "päss wörter"])
async def test_a_password_that_is_none_is_refused(operator: Operator, text: str) -> None:
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))
    file = operator.file("password", text)
    told = await operator.run("block", "password", "shop", "--password-file", file, succeed=False)

    assert "password" in told.stderr
    assert kept(operator).ha1 == ""
