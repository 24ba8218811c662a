"""One run of the command line: the channel to the sidecar and how to answer."""

from __future__ import annotations

import sys

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
import grpc

from rich.console import Console

from epcscf.admin.v1 import (
    blocks_pb2_grpc,
    decisions_pb2_grpc,
    edges_pb2,
    edges_pb2_grpc,
    events_pb2_grpc,
    ownership_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    registrations_pb2_grpc,
    revocations_pb2_grpc,
    waf_pb2,
    waf_pb2_grpc,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from epcscfctl.kinds import Kind

TIMEOUT = 10.0
"Seconds; edits take milliseconds, and a person is waiting."

PAGE = 500

ORDERS = "epcscf-orders"
"Trailing metadata of edits that cut somebody off: names of the orders to edges."

REVISION = "epcscf-policy-revision"
"Trailing metadata of lists."

UNBOUNDED = 10_000
"Columns, where no terminal has a say: nothing that is piped is cut."

LARGEST_MESSAGE = 64 * 1024 * 1024
"A page of WWSFs with large pools."


@dataclass(frozen=True)
class Session:
    """What every command needs."""

    target: str
    "Address as gRPC writes it: `unix:/run/epcscf/admin.sock`."
    output: str
    "`table` or `json`."
    credentials: grpc.ChannelCredentials | None = None
    "For a target on the network."
    timeout: float = TIMEOUT
    "Seconds that a call may take."

    @cached_property
    def channel(self) -> grpc.Channel:
        """The channel; it connects when it is first used."""
        options = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]
        if self.credentials is None:
            return grpc.insecure_channel(self.target, options)
        return grpc.secure_channel(self.target, self.credentials, options)

    @cached_property
    def policy(self) -> policy_pb2_grpc.PolicyAdminStub:
        """The policy, as a stub."""
        return policy_pb2_grpc.PolicyAdminStub(self.channel)

    @cached_property
    def decisions(self) -> decisions_pb2_grpc.DecisionAdminStub:
        """Decisions, as a stub."""
        return decisions_pb2_grpc.DecisionAdminStub(self.channel)

    @cached_property
    def ownership(self) -> ownership_pb2_grpc.OwnershipAdminStub:
        """Whose identities are, as a stub."""
        return ownership_pb2_grpc.OwnershipAdminStub(self.channel)

    @cached_property
    def registrations(self) -> registrations_pb2_grpc.RegistrationAdminStub:
        """Who is registered, as a stub."""
        return registrations_pb2_grpc.RegistrationAdminStub(self.channel)

    @cached_property
    def waf(self) -> waf_pb2_grpc.WafAdminStub:
        """The WAF, as a stub."""
        return waf_pb2_grpc.WafAdminStub(self.channel)

    @cached_property
    def edges(self) -> edges_pb2_grpc.EdgeAdminStub:
        """The SIP edges, as a stub."""
        return edges_pb2_grpc.EdgeAdminStub(self.channel)

    @cached_property
    def revocations(self) -> revocations_pb2_grpc.RevocationAdminStub:
        """What is revoked, as a stub."""
        return revocations_pb2_grpc.RevocationAdminStub(self.channel)

    @cached_property
    def events(self) -> events_pb2_grpc.EventAdminStub:
        """What WWSFs are told, as a stub."""
        return events_pb2_grpc.EventAdminStub(self.channel)

    @cached_property
    def blocks(self) -> blocks_pb2_grpc.BlockAdminStub:
        """Blocks of web servers, as a stub."""
        return blocks_pb2_grpc.BlockAdminStub(self.channel)

    @cached_property
    def console(self) -> Console:
        """Where to write; plain if that is no terminal, or if NO_COLOR says so."""
        # What is shown was written by others: it must not be read as markup.
        width = None if sys.stdout.isatty() else UNBOUNDED
        return Console(width=width, highlight=False, markup=False, emoji=False)

    def get(self, kind: Kind, key: str) -> Any:
        """Get one."""
        return self._call(kind, "Get", kind.noun, name=kind.name(key))

    def every(self, kind: Kind) -> Iterator[Any]:
        """Give all of *kind*, page by page."""
        wanted = getattr(kind.contract, f"List{kind.nouns}Request")(page_size=PAGE)
        return self.paged(self._method(kind, f"List{kind.nouns}"), wanted, kind.fields)

    def paged(self, method: Callable[..., Any], wanted: Any, field: str) -> Iterator[Any]:
        """Give what *method* lists in *field* of its answers, page by page."""
        while True:
            page = method(wanted, timeout=self.timeout)
            yield from getattr(page, field)
            wanted.page_token = page.next_page_token
            if not wanted.page_token:
                return

    def create(self, kind: Kind, message: Any, *, rehearse: bool = False) -> Any:
        """Create *message*, whose name says its id."""
        fields = {f"{kind.field}_id": kind.key(message.name), kind.field: message}
        return self._call(kind, "Create", kind.noun, **fields, validate_only=rehearse)

    def update(
        self, kind: Kind, message: Any, paths: list[str] | None = None, *, rehearse: bool = False
    ) -> Any:
        """Update the fields *paths*, or all, from *message*."""
        mask = {"paths": paths} if paths is not None else None
        fields = {kind.field: message, "update_mask": mask}
        return self._call(kind, "Update", kind.noun, **fields, validate_only=rehearse)

    def delete(self, kind: Kind, key: str, etag: str) -> None:
        """Delete one."""
        self._call(kind, "Delete", kind.noun, name=kind.name(key), etag=etag)

    def switch(
        self, kind: Kind, verb: str, key: str, etag: str
    ) -> tuple[Any, list[edges_pb2.Order]]:
        """Change the state of one; give what edges were ordered to cut, and whether they have."""
        method = self._method(kind, f"{verb.capitalize()}{kind.noun}")
        request = getattr(kind.contract, f"{verb.capitalize()}{kind.noun}Request")
        message, call = method.with_call(request(name=kind.name(key), etag=etag), timeout=TIMEOUT)
        names = str(dict(call.trailing_metadata()).get(ORDERS, ""))
        waits = (edges_pb2.WaitOrderRequest(name=name) for name in names.split(",") if name)
        return message, [self.edges.WaitOrder(wait, timeout=TIMEOUT) for wait in waits]

    def revision(self) -> str:
        """Tell the revision of the policy."""
        request = policy_pb2.ListHomeDomainsRequest(page_size=1)
        _, call = self.policy.ListHomeDomains.with_call(request, timeout=TIMEOUT)
        return str(dict(call.trailing_metadata()).get(REVISION, "unknown"))

    def _call(self, kind: Kind, verb: str, noun: str, **fields: Any) -> Any:
        request = getattr(kind.contract, f"{verb}{noun}Request")(**fields)
        return self._method(kind, f"{verb}{noun}")(request, timeout=self.timeout)

    def _method(self, kind: Kind, name: str) -> Any:
        return getattr(self.waf if kind.contract is waf_pb2 else self.policy, name)


def open_session(parameters: Mapping[str, Any], timeout: float = TIMEOUT) -> Session:
    """Open a session by the *parameters* of the command line. Raise UsageError or OSError."""
    target, output = parameters["target"], parameters["output"]
    if target is None:
        return Session(f"unix:{parameters['socket']}", output, timeout=timeout)
    pems = {name: parameters[name] for name in ("ca", "cert", "key")}
    # The network is only spoken to under mutual TLS.
    missing = [f"--{name}" for name, path in pems.items() if path is None]
    if missing:
        raise click.UsageError(f"--target needs {', '.join(missing)}")
    ca, cert, key = (path.read_bytes() for path in pems.values())
    return Session(target, output, grpc.ssl_channel_credentials(ca, key, cert), timeout)


pass_session = click.make_pass_decorator(Session)
