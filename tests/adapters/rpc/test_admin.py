"""PolicyAdmin over a real socket and a real store: resources as google.aip.dev describes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from google.protobuf import field_mask_pb2
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from epcscf.admin.v1 import policy_pb2 as pb
from epcscf.admin.v1 import policy_pb2_grpc
from epcscfd.domain.policy import EntityId, HomeDomain, WwsfId, WwsfState
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.admin import SERVICE, PolicyAdmin
from tests.adapters.rpc.conftest import served


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from epcscfd.app.provisioning import Resource
    from tests.adapters.conftest import Kept


@dataclass
class Admin:
    """A caller, and what the service keeps and tells."""

    stub: policy_pb2_grpc.PolicyAdminAsyncStub
    kept: Kept
    edits: list[tuple[str, str]] = field(default_factory=list)
    bugs: list[tuple[str, Exception]] = field(default_factory=list)

    def edited(self, verb: str, name: str, peer: str) -> None:
        self.edits.append((verb, name))

    async def create_domain(self, domain: str = "home1.net", **fields: Any) -> pb.HomeDomain:
        request = pb.CreateHomeDomainRequest(
            home_domain_id=domain, home_domain=pb.HomeDomain(**fields)
        )
        return await self.stub.CreateHomeDomain(request)

    async def create_entity(self, key: str = "waf", **fields: Any) -> pb.AuthorizationEntity:
        request = pb.CreateAuthorizationEntityRequest(
            authorization_entity_id=key, authorization_entity=an_entity_message(**fields)
        )
        return await self.stub.CreateAuthorizationEntity(request)

    async def create_wwsf(self, key: str = "shop", **fields: Any) -> pb.Wwsf:
        usual = {
            "origins": ["https://shop.example"],
            "authorization_entities": ["authorizationEntities/waf"],
        }
        request = pb.CreateWwsfRequest(wwsf_id=key, wwsf=pb.Wwsf(**(usual | fields)))
        return await self.stub.CreateWwsf(request)

    async def create_subscription(
        self, impi: str = "alice@home1.net", **fields: Any
    ) -> pb.Subscription:
        usual = {"impus": ["sip:alice@home1.net"]}
        request = pb.CreateSubscriptionRequest(
            subscription_id=impi, subscription=pb.Subscription(**(usual | fields))
        )
        return await self.stub.CreateSubscription(request)


def an_entity_message(**fields: Any) -> pb.AuthorizationEntity:
    usual: dict[str, Any] = {
        "issuer": "https://waf.home1.net",
        "location": pb.AuthorizationEntity.OPERATOR,
        "keys": {"jwks_url": "https://waf.home1.net/jwks"},
        "algorithms": ["ES256"],
    }
    return pb.AuthorizationEntity(**(usual | fields))


def vet(resource: Resource) -> None:
    if resource.display_name == "unvettable":
        raise InvalidArgument("keys.pem", "nobody could sign with it")


@pytest_asyncio.fixture
async def admin(directory: Path, kept: Kept) -> AsyncIterator[Admin]:
    edits: list[tuple[str, str]] = []

    class Watch:
        def edited(self, verb: str, name: str, peer: str) -> None:
            edits.append((verb, name))

    async with served(directory, PolicyAdmin(kept.store, Watch(), vet)) as server:
        stub: policy_pb2_grpc.PolicyAdminAsyncStub = policy_pb2_grpc.PolicyAdminStub(
            server.channel
        )
        yield Admin(stub, kept, edits, server.bugs)


async def failure_of(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Await *call*, which fails; give code, reason and metadata."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status.details[0].Unpack(info)
    assert info.domain == "epcscf"
    return error.code(), info.reason, dict(info.metadata)


def test_every_method_of_the_contract_is_served(kept: Kept) -> None:
    methods = PolicyAdmin(kept.store, Admin(None, kept), vet)._methods()  # type: ignore[arg-type]  # not called

    assert methods.keys() == {method.name for method in SERVICE.methods}


async def test_defaults_of_the_contract_are_filled_in(admin: Admin) -> None:
    domain = await admin.create_domain()
    entity = await admin.create_entity()
    wwsf = await admin.create_wwsf()

    assert (domain.name, domain.realm, domain.visited_network_id, domain.next_hop_set) == (
        "homeDomains/home1.net",
        "home1.net",
        "home1.net",
        1,
    )
    assert list(entity.token_types) == ["application/at+jwt", "at+jwt"]
    assert entity.scope == "webrtc-ims-client-access-to-ims"
    assert entity.claim_names == pb.ClaimNames(
        impi="ims_impi", impu="ims_impu", wwsf="client_id", scope="scope"
    )
    assert entity.max_life_seconds == 86_400
    assert entity.state == pb.AuthorizationEntity.ACTIVE
    assert (wwsf.client_id, wwsf.state) == ("shop", pb.Wwsf.ACTIVE)
    assert not wwsf.HasField("pool")


async def test_what_is_given_is_kept_and_given_back(admin: Admin) -> None:
    await admin.create_entity()
    given = pb.Wwsf(
        display_name="Shop",
        client_id="shop-client",
        origins=["https://b.example", "https://a.example:8443"],
        client_certificates=["ab" * 32],
        authorization_entities=["authorizationEntities/waf"],
        pool=pb.Pool(impis=["v1@home1.net"], impi_realms=["pool.example"]),
        proof_required=True,
        state=pb.Wwsf.SUSPENDED,
    )

    await admin.stub.CreateWwsf(pb.CreateWwsfRequest(wwsf_id="shop", wwsf=given))
    read = await admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/shop"))

    assert read.etag
    assert read.create_time == read.update_time
    for field_ in ("name", "create_time", "update_time", "etag"):
        read.ClearField(field_)
    given.origins.sort()
    assert read == given


async def test_identities_become_canonical(admin: Admin) -> None:
    made = await admin.create_subscription(
        "alice@HOME1.net", impus=["SIP:alice@HOME1.NET;user=phone", "tel:+49-89-123"]
    )
    read = await admin.stub.GetSubscription(
        pb.GetSubscriptionRequest(name="subscriptions/alice@Home1.Net")
    )

    assert made.name == "subscriptions/alice@home1.net"
    assert list(made.impus) == ["sip:alice@home1.net", "tel:+4989123"]
    assert read == made


async def test_an_edit_is_in_force_when_it_is_answered(admin: Admin) -> None:
    await admin.create_entity()
    await admin.create_wwsf()
    await admin.stub.UpdateWwsf(
        pb.UpdateWwsfRequest(
            wwsf=pb.Wwsf(name="wwsfs/shop", state=pb.Wwsf.SUSPENDED),
            update_mask=field_mask_pb2.FieldMask(paths=["state"]),
        )
    )

    policy = admin.kept.board.current()
    assert policy.wwsfs[WwsfId("shop")].state is WwsfState.SUSPENDED
    assert policy.wwsfs[WwsfId("shop")].entities == {EntityId("waf")}


async def test_a_mask_replaces_what_it_names_and_nothing_else(admin: Admin) -> None:
    await admin.create_entity()
    before = await admin.create_wwsf(
        display_name="Shop", pool={"impis": ["v1@home1.net"], "impi_realms": ["pool.example"]}
    )
    after = await admin.stub.UpdateWwsf(
        pb.UpdateWwsfRequest(
            wwsf=pb.Wwsf(
                name="wwsfs/shop",
                display_name="not this",
                origins=["https://b.example"],
                pool=pb.Pool(impis=["v2@home1.net"]),
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["origins", "pool.impis"]),
        )
    )

    assert list(after.origins) == ["https://b.example"]
    assert list(after.pool.impis) == ["v2@home1.net"]
    assert list(after.pool.impi_realms) == ["pool.example"]
    assert after.display_name == "Shop"
    assert after.create_time == before.create_time
    assert after.etag != before.etag


@pytest.mark.parametrize("paths", [[], ["*"]], ids=["absent", "star"])
async def test_without_a_mask_all_is_replaced(admin: Admin, paths: list[str]) -> None:
    await admin.create_domain(realm="ims.home1.net", display_name="Home One")

    after = await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(
            home_domain=pb.HomeDomain(name="homeDomains/home1.net", next_hop_set=2),
            update_mask=field_mask_pb2.FieldMask(paths=paths),
        )
    )

    assert (after.realm, after.display_name, after.next_hop_set) == ("home1.net", "", 2)


async def test_a_mask_switches_the_source_of_keys(admin: Admin) -> None:
    await admin.create_entity()

    after = await admin.stub.UpdateAuthorizationEntity(
        pb.UpdateAuthorizationEntityRequest(
            authorization_entity=pb.AuthorizationEntity(
                name="authorizationEntities/waf", keys=pb.KeySource(jwks_file="/etc/jwks.json")
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["keys.jwks_file"]),
        )
    )

    assert after.keys == pb.KeySource(jwks_file="/etc/jwks.json")


async def test_a_rehearsal_changes_nothing(admin: Admin) -> None:
    await admin.create_domain()
    before = admin.kept.board.current()
    edits = list(admin.edits)

    answer = await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(
            home_domain=pb.HomeDomain(name="homeDomains/home1.net", next_hop_set=9),
            validate_only=True,
        )
    )

    assert answer.next_hop_set == 9
    assert (await admin.kept.store.get(HomeDomain, "home1.net")).resource.next_hop_set == 1
    assert admin.kept.board.current() is before
    assert admin.edits == edits


async def test_lists_are_paged(admin: Admin) -> None:
    for number in range(5):
        await admin.create_domain(f"home{number}.net")

    first = await admin.stub.ListHomeDomains(pb.ListHomeDomainsRequest(page_size=3))
    second = await admin.stub.ListHomeDomains(
        pb.ListHomeDomainsRequest(page_size=3, page_token=first.next_page_token)
    )

    names = [domain.name for page in (first, second) for domain in page.home_domains]
    assert names == [f"homeDomains/home{number}.net" for number in range(5)]
    assert second.next_page_token == ""


async def test_edits_are_told(admin: Admin) -> None:
    await admin.create_domain()
    await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(home_domain=pb.HomeDomain(name="homeDomains/home1.net"))
    )
    await admin.stub.DeleteHomeDomain(pb.DeleteHomeDomainRequest(name="homeDomains/home1.net"))

    name = "homeDomains/home1.net"
    assert admin.edits == [("create", name), ("update", name), ("delete", name)]


async def test_what_is_not_there_is_not_found(admin: Admin) -> None:
    call = admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/nobody"))

    assert await failure_of(call) == (
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
        {"name": "wwsfs/nobody"},
    )


async def test_what_exists_cannot_be_created(admin: Admin) -> None:
    await admin.create_domain()

    code, reason, metadata = await failure_of(admin.create_domain())

    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS")
    assert metadata == {"name": "homeDomains/home1.net"}


async def test_a_stale_etag_aborts(admin: Admin) -> None:
    stale = await admin.create_domain()
    again = pb.UpdateHomeDomainRequest(home_domain=stale)
    await admin.stub.UpdateHomeDomain(again)

    code, reason, _ = await failure_of(admin.stub.UpdateHomeDomain(again))
    delete = pb.DeleteHomeDomainRequest(name=stale.name, etag=stale.etag)
    assert (code, reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await failure_of(admin.stub.DeleteHomeDomain(delete)))[1] == "ETAG_MISMATCH"


async def test_what_is_named_cannot_be_deleted(admin: Admin) -> None:
    await admin.create_entity()
    await admin.create_wwsf()
    request = pb.DeleteAuthorizationEntityRequest(name="authorizationEntities/waf")

    assert await failure_of(admin.stub.DeleteAuthorizationEntity(request)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RESOURCE_IN_USE",
        {"name": "authorizationEntities/waf", "by": "wwsfs/shop"},
    )


async def test_a_store_that_does_not_answer_is_unavailable(admin: Admin) -> None:
    async with admin.kept.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE home_domains")

    assert await failure_of(admin.create_domain()) == (
        grpc.StatusCode.UNAVAILABLE,
        "DEPENDENCY_DOWN",
        {"dependency": "store"},
    )


async def test_a_bug_is_told_to_the_log_and_not_to_the_caller(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(admin.kept.store, "get", broken)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/shop"))

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "internal error"
    ((method, error),) = admin.bugs
    assert method == "/epcscf.admin.v1.PolicyAdmin/GetWwsf"
    assert isinstance(error, ZeroDivisionError)


async def test_what_cannot_be_vetted_is_refused(admin: Admin) -> None:
    code, _, metadata = await failure_of(admin.create_entity(display_name="unvettable"))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert metadata == {"field": "keys.pem", "why": "nobody could sign with it"}


@pytest.mark.req("S000-1")
async def test_an_entity_without_location_is_refused(admin: Admin) -> None:
    unspecified = pb.AuthorizationEntity.LOCATION_UNSPECIFIED

    code, _, metadata = await failure_of(admin.create_entity(location=unspecified))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert metadata["field"] == "location"


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("entity", {"keys": {}}, "keys"),
    ("entity", {"issuer": "http://waf.home1.net"}, "issuer"),
    ("entity", {"location": pb.AuthorizationEntity.THIRD_PARTY}, "entity_id"),
    ("entity", {"algorithms": ["HS256"]}, "algorithms"),
    ("wwsf", {"origins": ["https://Shop.example"]}, "origins"),
    ("wwsf", {"authorization_entities": ["waf"]}, "authorization_entities[0]"),
    ("wwsf", {"authorization_entities": ["authorizationEntities/x"]}, "authorization_entities"),
    ("wwsf", {"pool": {"impis": ["v1@home1.net", "nobody"]}}, "pool.impis[1]"),
    ("wwsf", {"key": "Shop"}, "name"),
    ("wwsf", {"key": ""}, "wwsf_id"),
    ("subscription", {"impi": "alice"}, "name"),
    ("subscription", {"impus": []}, "impus"),
    ("subscription", {"impus": ["sips:alice@home1.net"]}, "impus[0]"),
    ("domain", {"domain": "HOME1.net"}, "name"),
]


@pytest.mark.parametrize(("kind", "fields", "field_"), INVALID)
async def test_what_is_malformed_is_refused_by_field(
    admin: Admin, kind: str, fields: dict[str, Any], field_: str
) -> None:
    await admin.create_entity("other", issuer="https://other.example")
    create = getattr(admin, f"create_{kind}")

    code, reason, metadata = await failure_of(create(**fields))

    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert metadata["field"] == field_
    assert metadata["why"]


@pytest.mark.parametrize(
    ("method", "request_", "field_"),
    [
        ("GetWwsf", pb.GetWwsfRequest(name="shop"), "name"),
        ("GetWwsf", pb.GetWwsfRequest(name="wwsfs/"), "name"),
        ("ListWwsfs", pb.ListWwsfsRequest(page_size=-1), "page_size"),
        ("ListWwsfs", pb.ListWwsfsRequest(page_token="made up"), "page_token"),
        (
            "UpdateWwsf",
            pb.UpdateWwsfRequest(
                wwsf=pb.Wwsf(name="wwsfs/shop"),
                update_mask=field_mask_pb2.FieldMask(paths=["colour"]),
            ),
            "update_mask",
        ),
    ],
)
async def test_a_malformed_request_is_refused(
    admin: Admin, method: str, request_: Any, field_: str
) -> None:
    code, _, metadata = await failure_of(getattr(admin.stub, method)(request_))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert metadata["field"] == field_
