"""LDAP as the directory of web users: who may log in, and what they map to.

* ldap3 blocks, so every conversation runs in a thread, with a time limit of its own; not more
  than a few at a time.
* The entry is found by a search, the password proven by a bind as that entry. An empty password
  would be an anonymous bind, which succeeds for everybody (RFC 4513 5.1.2): it is refused.
* For a name that is not there somebody is bound all the same, so that it takes as long.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import ldap3

from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult
from ldap3.utils.conv import escape_filter_chars

from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.oauth.account import WafAccount, WebUser
from epcscfd.errors import Unavailable


AT_ONCE = 8
"Conversations; each has a thread and a connection."


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapPlan:
    """Where the directory is, and how it says what we look for."""

    url: str
    base: str
    filter: str
    bind_dn: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    impi_attribute: str
    impu_attribute: str
    name_attribute: str
    timeout_seconds: int
    encrypted: bool
    "With StartTLS, where the URL does not say TLS."


class LdapDirectory:
    """Finds users by LDAP."""

    def __init__(self, plan: LdapPlan) -> None:
        self._plan = plan
        self._tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=plan.ca_file)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def authenticate(self, name: str, password: str) -> WebUser | None:
        """Give the user whose password this is. Takes as long for users that there are not."""
        if not password:
            return None
        return await self._beside(self._authenticate, name, password)

    async def find(self, name: str) -> WebUser | None:
        """Give a user who may log in."""
        return await self._beside(self._find, name)

    async def _beside(self, work: Any, *arguments: str) -> WebUser | None:
        try:
            async with self._room:
                found: WebUser | None = await asyncio.to_thread(work, *arguments)
        except (LDAPException, OSError) as error:
            # Its message may quote the name; its kind says enough.
            raise Unavailable(f"ldap ({type(error).__name__})") from None
        return found

    def _find(self, name: str) -> WebUser | None:
        entry = self._entry(name)
        return self._user(name, entry) if entry else None

    def _authenticate(self, name: str, password: str) -> WebUser | None:
        entry = self._entry(name)
        dn = entry["dn"] if entry else f"cn={secrets.token_hex(8)},{self._plan.base}"
        try:
            with self._bound(dn, password):
                return self._user(name, entry) if entry else None
        except LDAPInvalidCredentialsResult:
            return None

    def _entry(self, name: str) -> dict[str, Any] | None:
        """Find the one entry of *name*; two are none."""
        plan = self._plan
        wanted = plan.filter.replace("{name}", escape_filter_chars(name))
        with self._bound(plan.bind_dn, plan.password) as connection:
            connection.search(
                plan.base,
                wanted,
                attributes=[plan.impi_attribute, plan.impu_attribute, plan.name_attribute],
                size_limit=2,
            )
            found = [
                each for each in connection.response or () if each["type"] == "searchResEntry"
            ]
        return found[0] if len(found) == 1 else None

    @contextmanager
    def _bound(self, dn: str, password: str) -> Iterator[ldap3.Connection]:
        """Converse as *dn*. What is opened is closed, however that ends."""
        plan = self._plan
        # A new one each time: one that was away is not tried again for minutes by the old.
        server = ldap3.Server(
            plan.url, tls=self._tls, get_info=ldap3.NONE, connect_timeout=plan.timeout_seconds
        )
        connection = ldap3.Connection(
            server,
            user=dn or None,
            password=password or None,
            raise_exceptions=True,
            read_only=True,
            auto_referrals=False,
            check_names=False,
            receive_timeout=plan.timeout_seconds,
        )
        try:
            connection.open()
            if plan.encrypted:
                connection.start_tls()
            connection.bind()
            yield connection
        finally:
            with suppress(LDAPException, OSError):
                connection.unbind()
            # Left open where even the connection failed.
            if connection.socket is not None:
                connection.socket.close()

    def _user(self, name: str, entry: dict[str, Any]) -> WebUser:
        plan, attributes = self._plan, entry["attributes"]
        shown = _values(attributes, plan.name_attribute)
        impis = _values(attributes, plan.impi_attribute)
        impus = _values(attributes, plan.impu_attribute)
        return WebUser(name, _account(impis, impus), shown[0] if shown else "")


def _values(attributes: Any, name: str) -> list[str]:
    values = attributes.get(name, [])
    return [str(value) for value in (values if isinstance(values, list) else [values])]


def _account(impis: list[str], impus: list[str]) -> WafAccount | None:
    """Give the account, if the directory says one, whole and well-formed."""
    if len(impis) != 1 or not impus:
        return None
    try:
        return WafAccount(Impi.parse(impis[0]), frozenset(map(Impu.parse, impus)))
    except MalformedIdentity:
        return None
