"""The kinds of resources: how each is called here and by the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epcscf.admin.v1 import policy_pb2, waf_pb2
from epcscf.admin.v1 import policy_pb2 as pb


if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of state that has a method of its own."""

    verb: str
    "Command; with a capital letter it begins the name of the method."
    effect: str
    cuts: bool
    "Whether people lose their service by it."


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource."""

    group: str
    "Command group."
    title: str
    message: type[Any]
    noun: str
    nouns: str
    "As in names of methods; `message` has the singular."
    field: str
    fields: str
    "As in names of fields, and of tables in a policy file."
    collection: str
    columns: tuple[str, ...]
    "Fields that a list shows, next to the name."
    references: Mapping[str, str]
    "Field to collection."
    switches: tuple[Switch, ...]
    "What an operator does in a hurry."
    contract: Any = policy_pb2
    "Module that has the requests."

    def name(self, key: str) -> str:
        """Give the resource name of *key*, which may be one already."""
        start = f"{self.collection}/"
        return key if key.startswith(start) else start + key

    def key(self, name: str) -> str:
        """Take the key out of *name*."""
        return name.removeprefix(f"{self.collection}/")


HOME_DOMAIN = Kind(
    group="home-domain",
    title="home domain",
    message=pb.HomeDomain,
    noun="HomeDomain",
    nouns="HomeDomains",
    field="home_domain",
    fields="home_domains",
    collection="homeDomains",
    columns=("realm", "visited_network_id", "next_hop_set", "display_name"),
    references={},
    switches=(),
)
ENTITY = Kind(
    group="entity",
    title="authorization entity",
    message=pb.AuthorizationEntity,
    noun="AuthorizationEntity",
    nouns="AuthorizationEntities",
    field="authorization_entity",
    fields="authorization_entities",
    collection="authorizationEntities",
    columns=("state", "location", "issuer", "entity_id", "display_name"),
    references={},
    switches=(
        Switch("bar", "Refuse every token of this entity, at once.", cuts=True),
        Switch("unbar", "Honour the tokens of this entity again.", cuts=False),
    ),
)
WWSF = Kind(
    group="wwsf",
    title="WWSF",
    message=pb.Wwsf,
    noun="Wwsf",
    nouns="Wwsfs",
    field="wwsf",
    fields="wwsfs",
    collection="wwsfs",
    columns=("state", "client_id", "origins", "authorization_entities", "display_name"),
    references={"authorization_entities": "authorizationEntities"},
    switches=(
        Switch("suspend", "Refuse every client of this WWSF, at once.", cuts=True),
        Switch("resume", "Serve the clients of this WWSF again.", cuts=False),
    ),
)
SUBSCRIPTION = Kind(
    group="subscription",
    title="subscription",
    message=pb.Subscription,
    noun="Subscription",
    nouns="Subscriptions",
    field="subscription",
    fields="subscriptions",
    collection="subscriptions",
    columns=("impus", "wwsfs", "display_name"),
    references={"wwsfs": "wwsfs"},
    switches=(),
)

KINDS = (HOME_DOMAIN, ENTITY, WWSF, SUBSCRIPTION)
"In an order in which nothing refers to what comes later."

WAF_CLIENT = Kind(
    group="client",
    title="client of the WAF",
    message=waf_pb2.WafClient,
    noun="WafClient",
    nouns="WafClients",
    field="waf_client",
    fields="waf_clients",
    collection="wafClients",
    columns=("authentication", "grant_types", "token_format", "display_name"),
    references={},
    switches=(),
    contract=waf_pb2,
)
WAF_ACCOUNT = Kind(
    group="account",
    title="account of the WAF",
    message=waf_pb2.WafAccount,
    noun="WafAccount",
    nouns="WafAccounts",
    field="waf_account",
    fields="waf_accounts",
    collection="wafAccounts",
    columns=("impus", "display_name"),
    references={},
    switches=(),
    contract=waf_pb2,
)
WAF_USER = Kind(
    group="user",
    title="user of the WAF",
    message=waf_pb2.WafUser,
    noun="WafUser",
    nouns="WafUsers",
    field="waf_user",
    fields="waf_users",
    collection="wafUsers",
    columns=("state", "account", "display_name"),
    references={"account": "wafAccounts"},
    switches=(
        Switch("lock", "Let this user in no more.", cuts=True),
        Switch("unlock", "Let this user in again.", cuts=False),
    ),
    contract=waf_pb2,
)

WAF_KINDS = (WAF_CLIENT, WAF_ACCOUNT, WAF_USER)
