"""WafAdmin over a real socket: resources, and the secrets beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from argon2 import PasswordHasher

from epcscf.admin.v1 import waf_pb2 as pb
from epcscf.admin.v1 import waf_pb2_grpc
from epcscfd.app.oauth.clients import secret_digest
from epcscfd.app.oauth.signing import Signer
from epcscfd.directory.passwords import Passwords
from epcscfd.domain.oauth.keys import KeySchedule
from epcscfd.main.waf_office import vet_jwks
from epcscfd.rpc.waf import WafAdmin
from epcscfd.store.waf_tables import WafTables
from epcscfd.tokens.minting import EcKeyMaker
from lab.issuer import Issuer
from tests.adapters.rpc.administer import failure_of
from tests.adapters.rpc.conftest import served
from tests.builders import a_wwsf, an_entity
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from tests.adapters.conftest import Kept

GRANT = pb.WafClient.CLIENT_CREDENTIALS
CODE = pb.WafClient.AUTHORIZATION_CODE
JWKS = Issuer("https://shop.example", "shop").jwks()
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass
class Office:
    """A caller of WafAdmin, and what is behind it."""

    stub: Any
    tables: WafTables
    clock: FrozenClock
    edits: list[tuple[str, str]]

    async def create_client(self, key: str = "shop", **fields: Any) -> pb.WafClient:
        client = pb.WafClient(**{"grant_types": [GRANT], **fields})
        request = pb.CreateWafClientRequest(waf_client_id=key, waf_client=client)
        return await self.stub.CreateWafClient(request)

    async def create_account(self, key: str = "v1@shop.example") -> pb.WafAccount:
        account = pb.WafAccount(impus=["sip:v1@home1.net"])
        request = pb.CreateWafAccountRequest(waf_account_id=key, waf_account=account)
        return await self.stub.CreateWafAccount(request)

    async def create_user(self, key: str = "alice", **fields: Any) -> pb.WafUser:
        request = pb.CreateWafUserRequest(waf_user_id=key, waf_user=pb.WafUser(**fields))
        return await self.stub.CreateWafUser(request)

    async def add_secret(self, keep: int = 0, name: str = "wafClients/shop") -> str:
        request = pb.AddWafClientSecretRequest(name=name, keep_others_seconds=keep)
        return (await self.stub.AddWafClientSecret(request)).secret

    async def set_password(self, password: str, name: str = "wafUsers/alice") -> None:
        request = pb.SetWafUserPasswordRequest(name=name, password=password)
        await self.stub.SetWafUserPassword(request)


@pytest_asyncio.fixture
async def office(directory: Path, kept: Kept, clock: FrozenClock) -> AsyncIterator[Office]:
    edits: list[tuple[str, str]] = []

    class Watch:
        def edited(self, verb: str, name: str, peer: str) -> None:
            edits.append((verb, name))

    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf())
    tables = WafTables(kept.engine, clock)
    signer = Signer(tables.keys, EcKeyMaker(b"phrase"), clock, KeySchedule())
    admin = WafAdmin(
        tables.register, Watch(), vet_jwks, (Passwords(QUICK), signer, clock), b"pepper"
    )
    async with served(directory, admin) as server:
        yield Office(waf_pb2_grpc.WafAdminStub(server.channel), tables, clock, edits)
        assert server.bugs == []


async def refused(call: Awaitable[Any]) -> tuple[str, dict[str, str]]:
    _, reason, metadata = await failure_of(call)
    return reason, metadata


async def test_a_client_is_kept_as_it_was_said(office: Office) -> None:
    said = {
        "display_name": "Shop",
        "authentication": pb.WafClient.PRIVATE_KEY_JWT,
        "grant_types": [CODE, pb.WafClient.REFRESH_TOKEN, GRANT, pb.WafClient.JWT_BEARER],
        "redirect_uris": ["https://shop.example/back"],
        "jwks": JWKS,
        "certificates": ["ab" * 32],
        "anonymous": True,
        "token_format": pb.WafClient.OPAQUE,
        "token_life_seconds": 300,
    }
    created = await office.create_client(**said)
    read = await office.stub.GetWafClient(pb.GetWafClientRequest(name="wafClients/shop"))

    assert created == read
    assert {name: getattr(read, name) for name in said} == said
    assert office.edits == [("create", "wafClients/shop")]


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no such wwsf": ({"key": "nobody"}, "name"),
    "no id": ({"key": "Shop"}, "name"),
    "a redirect in the clear": ({"redirect_uris": ["http://shop.example/"]}, "redirect_uris"),
    "a redirect with a fragment": ({"redirect_uris": ["https://a.example/#x"]}, "redirect_uris"),
    "a redirect that is none": ({"redirect_uris": ["/back"]}, "redirect_uris"),
    "code without a redirect": ({"grant_types": [CODE]}, "redirect_uris"),
    "refresh without code": ({"grant_types": [pb.WafClient.REFRESH_TOKEN]}, "grant_types"),
    "a grant type of a later contract": ({"grant_types": [99]}, "grant_types[0]"),
    "a signature without key": (
        {"authentication": pb.WafClient.PRIVATE_KEY_JWT},
        "jwks",
    ),
    "statements without key": ({"grant_types": [pb.WafClient.JWT_BEARER]}, "jwks"),
    "a key that is none": ({"jwks": "{}"}, "jwks"),
    "a private key": ({"jwks": '{"keys":[{"kty":"oct","k":"AA"}]}'}, "jwks"),
    "a certificate that is none": ({"certificates": ["xy"]}, "certificates"),
    "no certificate to compare": (
        {"authentication": pb.WafClient.CERTIFICATE},
        "certificates",
    ),
    "tokens for ever": ({"token_life_seconds": 86_401}, "token_life_seconds"),
    "a name of two lines": ({"display_name": "a\nb"}, "display_name"),
    "an epcscf with tokens of its own": ({"introspects": True}, "grant_types"),
}


@pytest.mark.parametrize("case", FIELDS)
async def test_a_client_that_makes_no_sense_is_refused_by_field(office: Office, case: str) -> None:
    fields, field = FIELDS[case]

    reason, metadata = await refused(office.create_client(**fields))

    assert (reason, metadata["field"]) == ("INVALID_FIELD", field)


async def test_an_epcscf_needs_no_wwsf(office: Office) -> None:
    client = await office.create_client("edge1", introspects=True, grant_types=[])

    assert client.introspects


async def test_a_secret_is_told_once_and_kept_as_a_digest(office: Office) -> None:
    await office.create_client()
    first, second = await office.add_secret(), await office.add_secret(keep=60)
    digests = {secret_digest(b"pepper", secret) for secret in (first, second)}

    assert len(first) >= 43
    assert set(await office.tables.register.secrets_of("shop", office.clock.now())) == digests
    office.clock.advance(61)
    left = await office.tables.register.secrets_of("shop", office.clock.now())
    assert left == (secret_digest(b"pepper", second),)
    await office.add_secret()
    assert len(await office.tables.register.secrets_of("shop", office.clock.now())) == 1
    # an edit of the client leaves them alone
    await office.stub.UpdateWafClient(
        pb.UpdateWafClientRequest(
            waf_client=pb.WafClient(name="wafClients/shop", anonymous=True),
            update_mask={"paths": ["anonymous"]},
        )
    )
    assert len(await office.tables.register.secrets_of("shop", office.clock.now())) == 1
    assert first not in str(office.edits)


async def test_secrets_are_for_clients_that_there_are(office: Office) -> None:
    assert (await refused(office.add_secret()))[0] == "RESOURCE_NOT_FOUND"
    assert (await refused(office.add_secret(name="shop")))[0] == "INVALID_FIELD"
    await office.create_client()
    assert (await refused(office.add_secret(keep=32 * 86_400)))[0] == "INVALID_FIELD"


async def test_a_user_maps_to_an_account_that_there_is(office: Office) -> None:
    account = "wafAccounts/v1@shop.example"
    reason, metadata = await refused(office.create_user(account=account))
    assert (reason, metadata["field"]) == ("INVALID_FIELD", "account")

    await office.create_account()
    user = await office.create_user("alice", account=account)
    assert (user.name, user.account) == ("wafUsers/alice", account)
    reason, metadata = await refused(
        office.stub.DeleteWafAccount(pb.DeleteWafAccountRequest(name=account))
    )
    assert (reason, metadata["by"]) == ("RESOURCE_IN_USE", "wafUsers/alice")
    for bad in ("Bob", "a b", "ü", "-x"):
        assert (await refused(office.create_user(bad)))[0] == "INVALID_FIELD"


async def test_a_password_outlives_edits_and_is_told_to_nobody(office: Office) -> None:
    await office.create_user()
    await office.set_password("correct horse")
    kept = await office.tables.register.password_of("alice")
    locked = await office.stub.LockWafUser(pb.LockWafUserRequest(name="wafUsers/alice"))
    unlocked = await office.stub.UnlockWafUser(pb.UnlockWafUserRequest(name="wafUsers/alice"))

    assert kept.startswith("$argon2id$")
    assert "correct horse" not in kept
    assert await office.tables.register.password_of("alice") == kept
    assert (locked.state, unlocked.state) == (pb.WafUser.LOCKED, pb.WafUser.ACTIVE)
    assert (await refused(office.set_password("short")))[1]["field"] == "password"
    missing = office.set_password("correct horse", "wafUsers/bob")
    assert (await refused(missing))[0] == "RESOURCE_NOT_FOUND"
    assert [verb for verb, _ in office.edits] == ["create", "set password", "lock", "unlock"]


async def test_keys_are_listed_rotated_and_dropped(office: Office) -> None:
    async def listed() -> list[str]:
        answer = await office.stub.ListWafKeys(pb.ListWafKeysRequest())
        return [key.name for key in answer.waf_keys]

    (first,) = await listed()
    second = await office.stub.RotateWafKeys(pb.RotateWafKeysRequest())
    both = await listed()
    await office.stub.DropWafKey(pb.DropWafKeyRequest(name=first))

    assert both == [second.name, first]
    ahead = second.sign_time.ToDatetime(tzinfo=office.clock.now().tzinfo) - office.clock.now()
    assert ahead == KeySchedule().publish_ahead
    assert first not in await listed()
    dropped = office.stub.DropWafKey(pb.DropWafKeyRequest(name="wafKeys/x"))
    assert (await refused(dropped))[0] == "RESOURCE_NOT_FOUND"
    unnamed = office.stub.DropWafKey(pb.DropWafKeyRequest(name="x"))
    assert (await refused(unnamed))[0] == "INVALID_FIELD"


async def test_edits_at_the_waf_leave_the_policy_alone(office: Office, kept: Kept) -> None:
    before = await kept.store.revision()
    await office.create_client()
    await office.create_account()

    assert await kept.store.revision() == before
    assert await office.tables.register.revision() == 3
