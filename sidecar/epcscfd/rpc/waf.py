"""WafAdmin: clients, accounts and users as resources; secrets, passwords and keys beside them."""

from __future__ import annotations

import secrets

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from google.protobuf import empty_pb2

from epcscf.admin.v1 import waf_pb2
from epcscfd.app.oauth.clients import secret_digest
from epcscfd.app.oauth.wellformed import check_waf_resource
from epcscfd.app.provisioning import ResourceStore, name_of
from epcscfd.domain.oauth.account import WafUser
from epcscfd.domain.oauth.client import WafClient
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.admin import Contract, EditWatch, Method, ResourceAdmin, no_orders
from epcscfd.rpc.convert.waf import WAF_FORMS


if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from epcscfd.app.oauth.signing import Signer
    from epcscfd.app.provisioning import Resource
    from epcscfd.domain.oauth.keys import SigningKey
    from epcscfd.ports import Clock

SERVICE = waf_pb2.DESCRIPTOR.services_by_name["WafAdmin"]

REVISION = "epcscf-waf-revision"

SECRET_BYTES = 32
KEPT_LONGEST = timedelta(days=31)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024

FORMS = {form.kind: form for form in WAF_FORMS}
KEYS = "wafKeys/"


class SecretStore(Protocol):
    """Where secrets and passwords are kept, next to the resources that they are of."""

    async def add_secret(self, id_: str, digest: str, others_until: datetime) -> None:
        """Give a client a secret; those before count *others_until*. Raise NotFound."""
        ...

    async def set_password(self, name: str, hashed: str) -> None:
        """Set the hash of a user's password. Raise NotFound."""
        ...


class RegisterStore(ResourceStore, SecretStore, Protocol):
    """Both."""


class PasswordHasher(Protocol):
    """Hashes passwords."""

    async def hash(self, password: str) -> str:
        """Give what is kept of *password*."""
        ...


class WafAdmin(ResourceAdmin):
    """Serves operators of the WAF."""

    def __init__(
        self,
        store: RegisterStore,
        watch: EditWatch,
        vet_jwks: Callable[[str], None],
        tools: tuple[PasswordHasher, Signer, Clock],
        pepper: bytes,
    ) -> None:
        """Keep resources in *store*; *vet_jwks* raises InvalidArgument for unusable keys."""

        def check(resource: Resource) -> None:
            check_waf_resource(resource, vet_jwks)

        super().__init__(Contract(SERVICE, WAF_FORMS, check, REVISION, no_orders), store, watch)
        self._secrets: SecretStore = store
        self._passwords, self._signer, self._clock = tools
        self._pepper = pepper

    def _methods(self) -> dict[str, Method]:
        return {
            **super()._methods(),
            "AddWafClientSecret": self._add_secret,
            "SetWafUserPassword": self._set_password,
            "ListWafKeys": self._list_keys,
            "RotateWafKeys": self._rotate_keys,
            "DropWafKey": self._drop_key,
        }

    async def _add_secret(self, request: Any, context: Any) -> Any:
        key = FORMS[WafClient].key(request.name)
        keep = timedelta(seconds=request.keep_others_seconds)
        if keep > KEPT_LONGEST:
            days = KEPT_LONGEST.days
            raise InvalidArgument("keep_others_seconds", f"must be at most {days} days")
        secret = secrets.token_urlsafe(SECRET_BYTES)
        digest = secret_digest(self._pepper, secret)
        await self._secrets.add_secret(key, digest, self._clock.now() + keep)
        self._watch.edited("add secret", name_of(WafClient, key), context.peer())
        return waf_pb2.AddWafClientSecretResponse(secret=secret)

    async def _set_password(self, request: Any, context: Any) -> Any:
        key = FORMS[WafUser].key(request.name)
        if not SHORTEST_PASSWORD <= len(request.password) <= LONGEST_PASSWORD:
            why = f"must have from {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise InvalidArgument("password", why)
        await self._secrets.set_password(key, await self._passwords.hash(request.password))
        self._watch.edited("set password", name_of(WafUser, key), context.peer())
        return empty_pb2.Empty()

    async def _list_keys(self, _request: Any, _context: Any) -> Any:
        await self._signer.keep()
        return waf_pb2.ListWafKeysResponse(waf_keys=map(_key, self._signer.published()))

    async def _rotate_keys(self, _request: Any, context: Any) -> Any:
        key = await self._signer.rotate()
        self._watch.edited("rotate", f"{KEYS}{key.kid}", context.peer())
        return _key(key)

    async def _drop_key(self, request: Any, context: Any) -> Any:
        if not request.name.startswith(KEYS):
            raise InvalidArgument("name", f"is not of the form {KEYS}…")
        await self._signer.give_up(request.name.removeprefix(KEYS))
        self._watch.edited("drop", request.name, context.peer())
        return empty_pb2.Empty()


def _key(key: SigningKey) -> waf_pb2.WafKey:
    message = waf_pb2.WafKey(name=f"{KEYS}{key.kid}")
    message.sign_time.FromDatetime(key.signs_from)
    return message
