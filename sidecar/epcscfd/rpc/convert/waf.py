"""Clients, accounts and users of the WAF."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from epcscf.admin.v1 import waf_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.oauth.account import UserState, WafAccount, WafUser
from epcscfd.domain.oauth.client import (
    USUAL_TOKEN_LIFE,
    ClientAuthentication,
    GrantType,
    TokenFormat,
    WafClient,
)
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.fields import (
    chosen,
    identities,
    identity,
    keys_of,
    said,
    with_bookkeeping,
)
from epcscfd.rpc.convert.forms import Form
from epcscfd.rpc.convert.policy import canonical_impi


if TYPE_CHECKING:
    from epcscfd.app.provisioning import Stored

AUTHENTICATIONS = {
    pb.WafClient.CLIENT_SECRET: ClientAuthentication.SECRET,
    pb.WafClient.PRIVATE_KEY_JWT: ClientAuthentication.PRIVATE_KEY_JWT,
    pb.WafClient.CERTIFICATE: ClientAuthentication.CERTIFICATE,
}
GRANT_TYPES = {
    pb.WafClient.AUTHORIZATION_CODE: GrantType.AUTHORIZATION_CODE,
    pb.WafClient.REFRESH_TOKEN: GrantType.REFRESH_TOKEN,
    pb.WafClient.CLIENT_CREDENTIALS: GrantType.CLIENT_CREDENTIALS,
    pb.WafClient.JWT_BEARER: GrantType.JWT_BEARER,
    pb.WafClient.TOKEN_EXCHANGE: GrantType.TOKEN_EXCHANGE,
}
FORMATS = {
    pb.WafClient.JWT: TokenFormat.JWT,
    pb.WafClient.OPAQUE: TokenFormat.OPAQUE,
}
STATES = {
    pb.WafUser.ACTIVE: UserState.ACTIVE,
    pb.WafUser.LOCKED: UserState.LOCKED,
}


def client_from_proto(message: pb.WafClient, key: str) -> WafClient:
    """Read *message* as the client *key*. Raise InvalidArgument."""
    usual = ClientAuthentication.SECRET
    return WafClient(
        id=key,
        authentication=chosen("authentication", AUTHENTICATIONS, message.authentication, usual),
        grant_types=frozenset(
            _grant_type(f"grant_types[{index}]", each)
            for index, each in enumerate(message.grant_types)
        ),
        redirect_uris=frozenset(message.redirect_uris),
        jwks=message.jwks,
        certificates=frozenset(message.certificates),
        anonymous=message.anonymous,
        introspects=message.introspects,
        token_format=chosen("token_format", FORMATS, message.token_format, TokenFormat.JWT),
        token_life=timedelta(seconds=message.token_life_seconds) or USUAL_TOKEN_LIFE,
        display_name=message.display_name,
    )


def _grant_type(field: str, value: pb.WafClient.GrantType.ValueType) -> GrantType:
    if value not in GRANT_TYPES:
        raise InvalidArgument(field, f"{value} is no choice that is known here")
    return GRANT_TYPES[value]


def client_to_proto(stored: Stored[WafClient]) -> pb.WafClient:
    """Say *stored*."""
    client = stored.resource
    message = pb.WafClient(
        display_name=client.display_name,
        authentication=said(AUTHENTICATIONS, client.authentication),
        grant_types=sorted(said(GRANT_TYPES, each) for each in client.grant_types),
        redirect_uris=sorted(client.redirect_uris),
        jwks=client.jwks,
        certificates=sorted(client.certificates),
        anonymous=client.anonymous,
        introspects=client.introspects,
        token_format=said(FORMATS, client.token_format),
        token_life_seconds=int(client.token_life.total_seconds()),
    )
    return with_bookkeeping(message, stored)


def account_from_proto(message: pb.WafAccount, key: str) -> WafAccount:
    """Read *message* as the account *key*. Raise InvalidArgument."""
    return WafAccount(
        impi=identity("name", key, Impi.parse),
        impus=identities("impus", message.impus, Impu.parse),
        display_name=message.display_name,
    )


def account_to_proto(stored: Stored[WafAccount]) -> pb.WafAccount:
    """Say *stored*."""
    account = stored.resource
    message = pb.WafAccount(
        display_name=account.display_name, impus=sorted(map(str, account.impus))
    )
    return with_bookkeeping(message, stored)


def user_from_proto(message: pb.WafUser, key: str) -> WafUser:
    """Read *message* as the user *key*. Raise InvalidArgument."""
    accounts = keys_of(WafAccount, "account", [message.account] if message.account else [])
    return WafUser(
        name=key,
        account=identity("account", accounts[0], Impi.parse) if accounts else None,
        state=chosen("state", STATES, message.state, UserState.ACTIVE),
        display_name=message.display_name,
    )


def user_to_proto(stored: Stored[WafUser]) -> pb.WafUser:
    """Say *stored*."""
    user = stored.resource
    message = pb.WafUser(
        display_name=user.display_name,
        account=name_of(WafAccount, str(user.account)) if user.account else "",
        state=said(STATES, user.state),
    )
    return with_bookkeeping(message, stored)


WAF_FORMS: tuple[Form[Any, Any], ...] = (
    Form(
        kind=WafClient,
        message=pb.WafClient,
        list_response=pb.ListWafClientsResponse,
        nouns="WafClients",
        field="waf_client",
        fields="waf_clients",
        from_proto=client_from_proto,
        to_proto=client_to_proto,
    ),
    Form(
        kind=WafAccount,
        message=pb.WafAccount,
        list_response=pb.ListWafAccountsResponse,
        nouns="WafAccounts",
        field="waf_account",
        fields="waf_accounts",
        from_proto=account_from_proto,
        to_proto=account_to_proto,
        canonical_key=canonical_impi,
    ),
    Form(
        kind=WafUser,
        message=pb.WafUser,
        list_response=pb.ListWafUsersResponse,
        nouns="WafUsers",
        field="waf_user",
        fields="waf_users",
        from_proto=user_from_proto,
        to_proto=user_to_proto,
        canonical_key=str.lower,
        transitions=(("Lock", UserState.LOCKED), ("Unlock", UserState.ACTIVE)),
    ),
)
