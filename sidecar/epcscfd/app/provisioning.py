"""Provisioning: resources of the policy as operators handle them.

* A *resource* is a record of the policy; a *kind* is its class, and names are `collection/key`.
* `Stored` adds what only provisioning cares about: times and the etag.
* A change is a function from the resource as it is to the resource as it shall be, so that
  whoever keeps resources can run it inside the transaction that it belongs to.
* Where resources are kept is behind `ResourceStore`; what is well-formed is `wellformed.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from epcscfd.domain.oauth.account import WafAccount, WafUser
from epcscfd.domain.oauth.client import WafClient
from epcscfd.domain.policy import AuthorizationEntity, HomeDomain, Subscription, Wwsf


if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


PolicyResource = HomeDomain | AuthorizationEntity | Wwsf | Subscription
WafResource = WafClient | WafAccount | WafUser
Resource = PolicyResource | WafResource

COLLECTIONS: dict[type[Any], str] = {
    HomeDomain: "homeDomains",
    AuthorizationEntity: "authorizationEntities",
    Wwsf: "wwsfs",
    Subscription: "subscriptions",
    WafClient: "wafClients",
    WafAccount: "wafAccounts",
    WafUser: "wafUsers",
}

R = TypeVar("R", bound=Resource)


def name_of(kind: type[Any], key: str) -> str:
    """Give the resource name of *key*: `wwsfs/acme`."""
    return f"{COLLECTIONS[kind]}/{key}"


def key_of(resource: Resource) -> str:
    """Give the last part of the name of *resource*."""
    match resource:
        case HomeDomain():
            return resource.domain
        case Subscription() | WafAccount():
            return str(resource.impi)
        case WafUser():
            return resource.name
        case _:
            return resource.id


def carried_over(before: R, after: R) -> R:
    """Give *after* with what operators set but never say again: passwords, of the same account."""
    if not isinstance(before, Wwsf) or not isinstance(after, Wwsf):
        return after
    old, new = before.block, after.block
    if old is None or new is None or not old.has_credentials_of(new):
        return after
    return replace(after, block=replace(new, ha1=old.ha1))


@dataclass(frozen=True, slots=True)
class Stored(Generic[R]):
    """A resource and what provisioning knows about it."""

    resource: R
    create_time: datetime
    update_time: datetime
    etag: str
    "A quoted string; differs after every edit (google.aip.dev/154)."


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some resources of one kind, in order of their keys."""

    items: tuple[Stored[R], ...]
    next_token: str
    "Opaque; empty: there are no more."


class ResourceStore(Protocol):
    """Keeps resources. Every method raises Unavailable if it cannot tell.

    With *rehearse* everything is checked and nothing kept.
    """

    async def create(self, resource: R, *, rehearse: bool = False) -> Stored[R]:
        """Add *resource*. Raise AlreadyExists, or InvalidArgument for what it refers to."""
        ...

    async def revision(self) -> int:
        """Tell the revision of the policy: it rises with every edit."""
        ...

    async def get(self, kind: type[R], key: str) -> Stored[R]:
        """Give one. Raise NotFound."""
        ...

    async def list(self, kind: type[R], size: int, token: str) -> Page[R]:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...

    async def update(
        self,
        current: tuple[type[R], str, str],
        change: Callable[[Stored[R]], R],
        *,
        rehearse: bool = False,
    ) -> Stored[R]:
        """Replace by what *change* makes of it. *current* is kind, key and etag (empty: any).

        Raise NotFound, StaleEtag, AlreadyExists, InvalidArgument, and whatever *change* raises.
        """
        ...

    async def delete(self, kind: type[R], key: str, etag: str) -> None:
        """Remove. Raise NotFound, StaleEtag, or InUse while another resource names it."""
        ...
