"""The office of the WAF: what operators need of it, in whichever process they ask."""

from __future__ import annotations

import hashlib
import hmac

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from epcscfd.app.oauth.signing import Signer
from epcscfd.directory.passwords import Passwords
from epcscfd.domain.oauth.keys import KeySchedule
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.waf import WafAdmin
from epcscfd.tokens.keys import KeySet, KeysRefused
from epcscfd.tokens.minting import EcKeyMaker


if TYPE_CHECKING:
    from epcscfd.ports import Clock
    from epcscfd.rpc.admin import EditWatch
    from epcscfd.settings import Waf
    from epcscfd.store.waf_tables import WafTables


class Secrets:
    """What follows from the secret file: one secret for each use, so that none opens another."""

    def __init__(self, path: str) -> None:
        self._master = Path(path).read_bytes()
        self.pepper = self._derived("client secrets")
        self.pairing = self._derived("subjects")
        self.keys = self._derived("signing keys").hex().encode()

    def _derived(self, use: str) -> bytes:
        return hmac.new(self._master, f"epcscf waf: {use}".encode(), hashlib.sha256).digest()


class WafOffice:
    """Tables, passwords and keys."""

    def __init__(self, settings: Waf, tables: WafTables, clock: Clock) -> None:
        self.secrets = Secrets(settings.secret_file)
        self.tables = tables
        self.passwords = Passwords()
        schedule = KeySchedule(key_life=timedelta(seconds=settings.key_life_seconds))
        self.signer = Signer(tables.keys, EcKeyMaker(self.secrets.keys), clock, schedule)
        self._clock = clock

    def admin(self, watch: EditWatch) -> WafAdmin:
        """Give the service for operators."""
        tools = (self.passwords, self.signer, self._clock)
        return WafAdmin(self.tables.register, watch, vet_jwks, tools, self.secrets.pepper)


def vet_jwks(document: str) -> None:
    """Raise InvalidArgument if nobody could sign with the keys of *document*."""
    try:
        KeySet.from_jwks(document.encode())
    except KeysRefused as error:
        raise InvalidArgument("jwks", str(error)) from None
