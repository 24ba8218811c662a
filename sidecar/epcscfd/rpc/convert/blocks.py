"""Blocks: what operators say of them, and what edges do."""

from __future__ import annotations

import ipaddress

from typing import TYPE_CHECKING

from epcscf.admin.v1 import blocks_pb2
from epcscf.admin.v1 import resources_pb2 as pb
from epcscf.control.v1 import blocks_pb2 as control
from epcscfd.app.provisioning import name_of
from epcscfd.domain.block import Block, BlockMode, BlockNews, unconfirmed
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Wwsf, WwsfId
from epcscfd.errors import InvalidArgument, quote
from epcscfd.rpc.convert.fields import identity, said
from epcscfd.rpc.convert.standing import CAUSES, instant


if TYPE_CHECKING:
    from epcscfd.domain.block import Blocks
    from epcscfd.domain.edge import BlockAccount

MODES = {
    pb.Block.STATIC: BlockMode.STATIC,
    pb.Block.REGISTRATION: BlockMode.REGISTRATION,
}
EDGE_MODES = {
    control.BlockAccount.STATIC: BlockMode.STATIC,
    control.BlockAccount.REGISTRATION: BlockMode.REGISTRATION,
}


def block_from_proto(message: pb.Block) -> Block:
    """Read *message*. Raise InvalidArgument."""
    if not message.pilot:
        raise InvalidArgument("block.pilot", "is needed")
    if not message.impi:
        raise InvalidArgument("block.impi", "is needed")
    if message.mode not in MODES:
        raise InvalidArgument("block.mode", "must be STATIC or REGISTRATION")
    return Block(
        pilot=identity("block.pilot", message.pilot, Impu.parse),
        impi=identity("block.impi", message.impi, Impi.parse),
        mode=MODES[message.mode],
        client_certificates=frozenset(message.client_certificates),
        addresses=frozenset(map(_network, message.addresses)),
    )


def _network(text: str) -> str:
    """Write a network in the one way in which it is kept. Raise InvalidArgument."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        why = f"{quote(text)} is no address or network, or has bits behind its prefix"
        raise InvalidArgument("block.addresses", why) from None


def block_to_proto(block: Block) -> pb.Block:
    """Say *block*, but for its secret."""
    return pb.Block(
        pilot=str(block.pilot),
        impi=str(block.impi),
        mode=said(MODES, block.mode),
        client_certificates=sorted(block.client_certificates),
        addresses=sorted(block.addresses),
        password_set=bool(block.ha1),
    )


def status_to_proto(wwsf: Wwsf, block: Block, blocks: Blocks) -> blocks_pb2.BlockStatus:
    """Say how the registration of *block*, which *wwsf* has, stands."""
    status = blocks_pb2.BlockStatus(
        wwsf=name_of(Wwsf, wwsf.id), block=block_to_proto(block), ranges=wwsf.block_ranges
    )
    state = blocks.told_of(wwsf)
    if state is not None and state.until is not None:
        status.registered_until.FromDatetime(state.until)
        status.unconfirmed_ranges.extend(unconfirmed(wwsf, state))
    return status


def account_to_proto(account: BlockAccount) -> control.BlockAccount:
    """Say to an edge what it needs to let a web server register."""
    until = account.registered_until
    return control.BlockAccount(
        wwsf=account.wwsf,
        pilot=account.pilot,
        impi=account.impi,
        mode=said(EDGE_MODES, account.mode),
        account=account.account,
        realm=account.realm,
        ha1=account.ha1,
        client_certificates=account.client_certificates,
        addresses=account.addresses,
        ranges=account.ranges,
        told_at=account.told_at,
        registered_until=int(until.timestamp()) if until else 0,
    )


def news_from_proto(told: control.BlockNews) -> BlockNews:
    """Take what an edge has *told*."""
    return BlockNews(
        wwsf=WwsfId(told.wwsf),
        account=told.account,
        told_at=told.told_at,
        until=instant(told.registered_until) if told.registered_until else None,
        cause=CAUSES[told.cause] if told.cause else None,
        confirmed=frozenset(told.confirmed_ranges) or None,
    )
