"""Descriptors of what operators edit at the WAF: clients, accounts, users."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.oauth.account import UserState, WafAccount, WafUser
from epcscfd.domain.oauth.client import (
    ClientAuthentication,
    GrantType,
    TokenFormat,
    WafClient,
)
from epcscfd.store import waf_schema as schema
from epcscfd.store.kinds import Kind, ListOf


if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from epcscfd.store.kinds import Lists, Row


def _client_row(client: WafClient) -> Row:
    return {
        "id": client.id,
        "display_name": client.display_name,
        "authentication": client.authentication.value,
        "jwks": client.jwks,
        "anonymous": client.anonymous,
        "introspects": client.introspects,
        "token_format": client.token_format.value,
        "token_life_seconds": int(client.token_life.total_seconds()),
    }


def _client(row: RowMapping, lists: Lists) -> WafClient:
    return WafClient(
        id=row["id"],
        authentication=ClientAuthentication(row["authentication"]),
        grant_types=frozenset(map(GrantType, lists["grant_types"])),
        redirect_uris=lists["redirect_uris"],
        jwks=row["jwks"],
        certificates=lists["certificates"],
        anonymous=row["anonymous"],
        introspects=row["introspects"],
        token_format=TokenFormat(row["token_format"]),
        token_life=timedelta(seconds=row["token_life_seconds"]),
        display_name=row["display_name"],
    )


def _account_row(account: WafAccount) -> Row:
    return {"impi": str(account.impi), "display_name": account.display_name}


def _account(row: RowMapping, lists: Lists) -> WafAccount:
    return WafAccount(
        impi=Impi.parse(row["impi"]),
        impus=frozenset(map(Impu.parse, lists["impus"])),
        display_name=row["display_name"],
    )


def _user_row(user: WafUser) -> Row:
    # The password is not the resource's: an edit leaves it as it is.
    return {"name": user.name, "display_name": user.display_name, "state": user.state.value}


def _user(row: RowMapping, lists: Lists) -> WafUser:
    accounts = sorted(lists["account"])
    return WafUser(
        name=row["name"],
        account=Impi.parse(accounts[0]) if accounts else None,
        state=UserState(row["state"]),
        display_name=row["display_name"],
    )


CLIENTS: Kind[WafClient] = Kind(
    resource=WafClient,
    table=schema.waf_clients,
    lists=(
        ListOf("grant_types", schema.waf_client_grant_types, lambda each: each.grant_types),
        ListOf("redirect_uris", schema.waf_client_redirect_uris, lambda each: each.redirect_uris),
        ListOf("certificates", schema.waf_client_certificates, lambda each: each.certificates),
    ),
    to_row=_client_row,
    from_rows=_client,
)
ACCOUNTS: Kind[WafAccount] = Kind(
    resource=WafAccount,
    table=schema.waf_accounts,
    lists=(ListOf("impus", schema.waf_account_impus, lambda each: map(str, each.impus)),),
    to_row=_account_row,
    from_rows=_account,
)
USERS: Kind[WafUser] = Kind(
    resource=WafUser,
    table=schema.waf_users,
    lists=(
        ListOf(
            "account",
            schema.waf_user_accounts,
            lambda each: [str(each.account)] if each.account else [],
            refers_to=WafAccount,
        ),
    ),
    to_row=_user_row,
    from_rows=_user,
)

WAF_KINDS = (CLIENTS, ACCOUNTS, USERS)
