"""The WAF: its parts, joined; and the process of `epcscfd waf`."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from epcscfd.app.oauth.authorizing import AuthorizationDesk
from epcscfd.app.oauth.clients import ClientDesk
from epcscfd.app.oauth.edges import EdgeDesk
from epcscfd.app.oauth.grants import Grants
from epcscfd.app.oauth.issuing import Mint
from epcscfd.app.oauth.login import LoginDesk
from epcscfd.app.oauth.parts import Parts
from epcscfd.app.oauth.tokens import TokenDesk
from epcscfd.directory.own import OwnDirectory
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.errors import ConfigError, Unavailable
from epcscfd.tokens.assertions import SignedAssertions
from epcscfd.waf.application import make_application
from epcscfd.waf.clients import ClientEndpoints
from epcscfd.waf.pages import Pages
from epcscfd.waf.server import TlsFiles, WebServer
from epcscfd.waf.users import UserEndpoints


if TYPE_CHECKING:
    from starlette.applications import Starlette

    from epcscfd.app.oauth.edges import Revoker
    from epcscfd.app.oauth.ports import FreshPolicy, UserDirectory
    from epcscfd.directory.passwords import Passwords
    from epcscfd.main.waf_office import WafOffice
    from epcscfd.ports import Clock
    from epcscfd.settings import Ldap, Settings, Waf
    from epcscfd.store.waf_register import WafRegister
    from epcscfd.telemetry.watch import Watch

UPKEEP_SECONDS = 30.0
"Between two looks at the keys, and two sweeps of what is dead."


def make_waf_rules(settings: Settings, waf: Waf) -> WafRules:
    """Take the rules out of *settings*."""
    return WafRules(
        issuer=waf.issuer,
        waf_id=waf.id or urlsplit(waf.issuer).hostname or "",
        audience=settings.judge.audience,
        epcscf_uri=waf.epcscf_uri,
        code_life=timedelta(seconds=waf.code_seconds),
        refresh_life=timedelta(seconds=waf.refresh_seconds),
        session_life=timedelta(seconds=waf.session_seconds),
        skew=timedelta(seconds=settings.judge.skew_seconds),
    )


def _directory(register: WafRegister, passwords: Passwords, ldap: Ldap | None) -> UserDirectory:
    if ldap is None:
        return OwnDirectory(register, passwords)
    from epcscfd.directory.ldap import LdapDirectory, LdapPlan  # noqa: PLC0415 - few have one

    password = Path(ldap.password_file).read_text(encoding="utf-8") if ldap.password_file else ""
    host = urlsplit(ldap.url).hostname or ""
    return LdapDirectory(
        LdapPlan(
            url=ldap.url,
            base=ldap.base,
            filter=ldap.filter,
            bind_dn=ldap.bind_dn,
            password=password.rstrip("\n"),
            ca_file=ldap.ca_file,
            impi_attribute=ldap.impi_attribute,
            impu_attribute=ldap.impu_attribute,
            name_attribute=ldap.name_attribute,
            timeout_seconds=ldap.timeout_seconds,
            encrypted=ldap.url.startswith("ldap:") and host not in {"localhost", "127.0.0.1"},
        )
    )


World = tuple["FreshPolicy", "Revoker", "Watch", "Clock"]


class WebWaf:
    """What the web needs of the WAF."""

    def __init__(
        self,
        settings: Settings,
        waf: Waf,
        office: WafOffice,
        world: World,
    ) -> None:
        policies, revoker, watch, clock = world
        rules = make_waf_rules(settings, waf)
        self._edges = EdgeDesk(revoker, rules.issuer, clock)
        tables = office.tables
        self._families = tables.families
        self._upkeep: asyncio.Task[None] | None = None
        self._parts = Parts(
            rules=rules,
            clock=clock,
            watch=watch,
            policies=policies,
            register=tables.register,
            users=_directory(tables.register, office.passwords, waf.ldap),
            families=tables.families,
            consents=tables.consents,
            ledger=tables.ledger,
            revocations=self._edges,
            assertions=SignedAssertions(),
            signer=office.signer,
            pepper=office.secrets.pepper,
            pairing=office.secrets.pairing,
        )
        tls = TlsFiles(waf.certificate_file or "", waf.key_file or "", waf.client_ca_file or "")
        application = join(self._parts, waf.name, behind_front=waf.behind_front)
        self._server = WebServer(application, waf.listen, tls)

    async def start(self) -> None:
        """Make keys if there are none, then listen. Raise ConfigError or Unavailable."""
        await self._parts.signer.keep()
        # Unlocks every key: with the wrong secret there is no use in listening.
        self._parts.signer.jwks()
        # A crash may have come between a revocation and the word to the edges.
        await self._edges.revoked(await self._families.revoked(self._parts.clock.now()))
        await self._server.start()
        self._upkeep = asyncio.create_task(self._keep_up())

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_SECONDS)
            try:
                await self._parts.signer.keep()
                await self._families.forget(self._parts.clock.now())
                await self._edges.settle()
            except Unavailable as error:
                self._parts.watch.upkeep_failed(error)

    def reload(self) -> None:
        """Read the certificate again; one that cannot be used leaves the old one in place."""
        try:
            self._server.reload()
        except ConfigError as error:
            self._parts.watch.upkeep_failed(error)

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await self._upkeep
        await self._server.stop()


def join(parts: Parts, name: str, *, behind_front: bool) -> Starlette:
    """Give the application of these *parts*; pages call it *name*."""
    clients, mint = ClientDesk(parts), Mint(parts)
    grants = Grants(parts=parts, clients=clients, mint=mint)
    users = UserEndpoints(
        authorization=AuthorizationDesk(parts=parts, clients=clients, mint=mint),
        login=LoginDesk(parts=parts),
        pages=Pages(name),
        behind_front=behind_front,
    )
    tokens = TokenDesk(parts=parts, clients=clients, grants=grants)
    return make_application(
        ClientEndpoints(desk=tokens, behind_front=behind_front), users, parts.watch.call_failed
    )
