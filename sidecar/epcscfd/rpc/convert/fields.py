"""Fields that messages of several kinds have: identities, references, choices, bookkeeping."""

from __future__ import annotations

import hashlib
import secrets

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from epcscf.admin.v1 import policy_pb2 as pb
from epcscf.admin.v1 import waf_pb2
from epcscfd.app.provisioning import key_of, name_of
from epcscfd.domain.identity import MalformedIdentity
from epcscfd.errors import InvalidArgument, quote


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from epcscfd.app.provisioning import Stored

M = TypeVar(
    "M",
    pb.HomeDomain,
    pb.AuthorizationEntity,
    pb.Wwsf,
    pb.Subscription,
    waf_pb2.WafClient,
    waf_pb2.WafAccount,
    waf_pb2.WafUser,
)
K = TypeVar("K")
V = TypeVar("V")
I = TypeVar("I")  # noqa: E741 - an identity

USUAL_PAGE = 50
LARGEST_PAGE = 1000


class Paged(Protocol):
    """A request for a page."""

    @property
    def page_size(self) -> int: ...  # noqa: D102 - named by the contract


def keys_of(kind: type[Any], field: str, names: Iterable[str]) -> list[str]:
    """Take the keys out of resource names. Raise InvalidArgument."""
    start = name_of(kind, "")
    for index, name in enumerate(names):
        if not name.startswith(start):
            raise InvalidArgument(
                f"{field}[{index}]", f"{quote(name)} does not begin with {start}"
            )
    return [name.removeprefix(start) for name in names]


def identities(field: str, texts: Iterable[str], parse: Callable[[str], I]) -> frozenset[I]:
    """Read identities. Raise InvalidArgument."""
    return frozenset(
        identity(f"{field}[{index}]", text, parse) for index, text in enumerate(texts)
    )


def identity(field: str, text: str, parse: Callable[[str], I]) -> I:
    """Read one identity. Raise InvalidArgument."""
    try:
        return parse(text)
    except MalformedIdentity as error:
        raise InvalidArgument(field, f"{quote(text)}: {error}") from None


def chosen(field: str, choices: Mapping[K, V], value: K, usual: V) -> V:
    """Read a choice; nothing chosen means *usual*. Raise InvalidArgument."""
    if not value:
        return usual
    # What a later contract offers is not to be taken for something else.
    if value not in choices:
        raise InvalidArgument(field, f"{value} is no choice that is known here")
    return choices[value]


def said(choices: Mapping[K, V], value: V) -> K:
    """Say a choice."""
    return next(key for key, member in choices.items() if member == value)


def with_bookkeeping(message: M, stored: Stored[Any]) -> M:
    """Add to *message* what every resource says."""
    message.name = name_of(type(stored.resource), key_of(stored.resource))
    message.create_time.FromDatetime(stored.create_time)
    message.update_time.FromDatetime(stored.update_time)
    message.etag = stored.etag
    return message


def page_size(request: Paged) -> int:
    """Read how many *request* wants. Raise InvalidArgument."""
    if request.page_size < 0:
        raise InvalidArgument("page_size", "must not be negative")
    return min(request.page_size or USUAL_PAGE, LARGEST_PAGE)


def last_part(collection: str, name: str) -> str:
    """Take what follows *collection* in *name*. Raise InvalidArgument."""
    rest = name.removeprefix(collection)
    if rest == name or not rest:
        raise InvalidArgument("name", f"{quote(name)} does not begin with {collection}")
    return rest


def request_key(request_id: str) -> str:
    """Give an id that is the same for the same *request_id*; without one, a new one."""
    if not request_id:
        return secrets.token_hex(8)
    return hashlib.sha256(request_id.encode()).hexdigest()[:16]
