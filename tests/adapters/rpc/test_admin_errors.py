"""PolicyAdmin says in code and ErrorInfo what is wrong (google.aip.dev/193)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from google.protobuf import field_mask_pb2

from epcscf.admin.v1 import policy_pb2 as pb
from tests.adapters.rpc.administer import failure_of


if TYPE_CHECKING:
    from tests.adapters.rpc.administer import Admin


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


@pytest.mark.req("S000-1")
async def test_an_entity_cannot_lose_its_location(admin: Admin) -> None:
    entity = await admin.create_entity()
    entity.ClearField("location")

    code, _, metadata = await failure_of(
        admin.stub.UpdateAuthorizationEntity(
            pb.UpdateAuthorizationEntityRequest(authorization_entity=entity)
        )
    )

    assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "location")


@pytest.mark.req("S001-24")
@pytest.mark.parametrize("rehearse", [False, True])
async def test_ranges_of_two_wwsfs_do_not_overlap(admin: Admin, *, rehearse: bool) -> None:
    await admin.create_entity()
    await admin.create_wwsf(ranges=[{"range": "sip:a!.*!@home1.net"}])
    request = pb.CreateWwsfRequest(
        wwsf_id="other",
        wwsf=pb.Wwsf(ranges=[pb.IdentityRange(range="sip:ab!.*!@HOME1.net", enabled=True)]),
        validate_only=rehearse,
    )

    assert await failure_of(admin.stub.CreateWwsf(request)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RANGE_OVERLAP",
        {
            "range": "sip:ab!.*!@home1.net",
            "other": "sip:a!.*!@home1.net",
            "wwsf": "wwsfs/shop",
            "example": "sip:ab@home1.net",
        },
    )


async def test_whoever_has_ranges_is_not_let_loose_by_taking_them_away(admin: Admin) -> None:
    await admin.create_entity()
    await admin.create_wwsf(ranges=[{"range": "sip:a!.*!@home1.net"}])

    code, _, metadata = await failure_of(
        admin.stub.UpdateWwsf(pb.UpdateWwsfRequest(wwsf=pb.Wwsf(name="wwsfs/shop")))
    )

    assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "ranges")
    proven = pb.Wwsf(name="wwsfs/shop", proof_required=True)
    await admin.stub.UpdateWwsf(pb.UpdateWwsfRequest(wwsf=proven))


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("entity", {"keys": {}}, "keys"),
    ("entity", {"issuer": "http://waf.home1.net"}, "issuer"),
    ("entity", {"location": pb.AuthorizationEntity.THIRD_PARTY}, "entity_id"),
    ("entity", {"algorithms": ["HS256"]}, "algorithms"),
    ("wwsf", {"origins": ["https://Shop.example"]}, "origins"),
    ("wwsf", {"authorization_entities": ["waf"]}, "authorization_entities[0]"),
    ("wwsf", {"authorization_entities": ["authorizationEntities/x"]}, "authorization_entities"),
    ("wwsf", {"pool": {"impis": ["v1@home1.net", "nobody"]}}, "pool.impis[1]"),
    ("wwsf", {"ranges": [{"range": "sip:a@d"}, {"range": "sip:a!b"}]}, "ranges[1].range"),
    ("wwsf", {"ranges": [{"range": "sip:a!(a)\\1!@d"}]}, "ranges[0].range"),
    ("wwsf", {"ranges": [{"range": "sip:a!.*!@d", "mode": 7}]}, "ranges[0].mode"),
    (
        "wwsf",
        {"ranges": [{"range": "sip:a!.*!@d"}, {"range": "SIP:a!.*!@D", "enabled": True}]},
        "ranges",
    ),
    ("wwsf", {"ranges": [{"range": f"sip:a{n}@d"} for n in range(1001)]}, "ranges"),
    ("wwsf", {"credentials": 7}, "credentials"),
    ("wwsf", {"state": 7}, "state"),
    ("wwsf", {"quota": {"max_registrations": 2**31}}, "quota.max_registrations"),
    ("wwsf", {"quota": {"max_first_sights": 2**31}}, "quota.max_first_sights"),
    ("entity", {"state": 7}, "state"),
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
