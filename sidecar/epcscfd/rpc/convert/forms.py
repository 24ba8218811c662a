"""Forms: per kind of resource, how the admin contract says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.app.provisioning import R, Stored, name_of
from epcscfd.domain.policy import (
    AuthorizationEntity,
    EntityState,
    HomeDomain,
    Subscription,
    Wwsf,
    WwsfState,
)
from epcscfd.errors import InvalidArgument, quote
from epcscfd.rpc.convert import policy as convert
from epcscfd.rpc.convert.fields import M
from epcscfd.rpc.convert.wwsf import wwsf_from_proto, wwsf_to_proto


if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[R, M]):
    """How one kind of resource is named, said and read."""

    kind: type[R]
    message: type[M]
    list_response: type[Any]
    nouns: str
    "Plural, as in names of methods."
    field: str
    "Singular, as in names of fields."
    fields: str
    from_proto: Callable[[M, str], R]
    to_proto: Callable[[Stored[R]], M]
    canonical_key: Callable[[str], str] = str
    "Of whatever a caller writes for one."
    transitions: tuple[tuple[str, StrEnum], ...] = ()
    "How methods that change the state are called, and the states that they lead to."

    @property
    def noun(self) -> str:
        """Singular, as in names of methods."""
        return self.message.DESCRIPTOR.name

    def key(self, name: str) -> str:
        """Take the key out of *name*. Raise InvalidArgument."""
        start = name_of(self.kind, "")
        if not name.startswith(start) or name == start:
            raise InvalidArgument("name", f"{quote(name)} is not of the form {start}…")
        return self.canonical_key(name.removeprefix(start))


FORMS: tuple[Form[Any, Any], ...] = (
    Form(
        kind=HomeDomain,
        message=pb.HomeDomain,
        list_response=pb.ListHomeDomainsResponse,
        nouns="HomeDomains",
        field="home_domain",
        fields="home_domains",
        from_proto=convert.home_domain_from_proto,
        to_proto=convert.home_domain_to_proto,
    ),
    Form(
        kind=AuthorizationEntity,
        message=pb.AuthorizationEntity,
        list_response=pb.ListAuthorizationEntitiesResponse,
        nouns="AuthorizationEntities",
        field="authorization_entity",
        fields="authorization_entities",
        from_proto=convert.entity_from_proto,
        to_proto=convert.entity_to_proto,
        transitions=(("Bar", EntityState.BARRED), ("Unbar", EntityState.ACTIVE)),
    ),
    Form(
        kind=Wwsf,
        message=pb.Wwsf,
        list_response=pb.ListWwsfsResponse,
        nouns="Wwsfs",
        field="wwsf",
        fields="wwsfs",
        from_proto=wwsf_from_proto,
        to_proto=wwsf_to_proto,
        transitions=(("Suspend", WwsfState.SUSPENDED), ("Resume", WwsfState.ACTIVE)),
    ),
    Form(
        kind=Subscription,
        message=pb.Subscription,
        list_response=pb.ListSubscriptionsResponse,
        nouns="Subscriptions",
        field="subscription",
        fields="subscriptions",
        from_proto=convert.subscription_from_proto,
        to_proto=convert.subscription_to_proto,
        canonical_key=convert.canonical_impi,
    ),
)
