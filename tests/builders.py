"""Builders: things that are valid as they come, with one keyword for each deviation.

Texts stand where the domain has types, so that vectors in TOML can use them too. Times are
seconds from NOW.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from epcscfd.domain.block import NO_BLOCKS, Block, BlockMode, BlockNews, Blocks
from epcscfd.domain.case import Case, Evidence
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import (
    IMS_ACCESS_SCOPE,
    AuthorizationEntity,
    ClaimNames,
    Credentials,
    EntityId,
    EntityState,
    HomeDomain,
    Location,
    PemKeys,
    Policy,
    Pool,
    Quota,
    Subscription,
    Wwsf,
    WwsfId,
    WwsfState,
)
from epcscfd.domain.ranges import IdentityRange, RangeMode, parse_identities
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Door, RegisterFacts, read_register
from epcscfd.domain.registration import Cause
from epcscfd.domain.revocation import Revocation, Whom
from epcscfd.domain.rules import CloseOnReject, JudgeRules
from epcscfd.domain.token import AccessToken, TokenFault, TokenUse, digest_of


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

OPAQUE = "Bearer O91G451HZ0V83opz6udiSEjchPynd2Ss9"
"An Authorization value whose token nobody looks into."

Changes = Mapping[str, Any]
_Thing = TypeVar("_Thing")


def from_now(seconds: float) -> datetime:
    """The moment that is so many seconds from NOW."""
    return NOW + timedelta(seconds=seconds)


def some_seconds(count: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=count)


def impus(texts: Iterable[str]) -> frozenset[Impu]:
    """These IMPUs."""
    return frozenset(Impu.parse(text) for text in texts)


def impis(texts: Iterable[str]) -> frozenset[Impi]:
    """These IMPIs."""
    return frozenset(Impi.parse(text) for text in texts)


def a_pool(impi: Iterable[str] = (), realms: Iterable[str] = ()) -> Pool:
    """A pool of the named IMPIs and of all in *realms*."""
    return Pool(impis(impi), frozenset(realms))


def a_range(
    text: str = "sip:wic!.*!@home1.net",
    *,
    enabled: bool = True,
    mode: RangeMode = RangeMode.STATIC,
) -> IdentityRange:
    """A range that is in use."""
    return IdentityRange(parse_identities(text), mode, enabled)


def some_ranges(texts: Iterable[str | IdentityRange]) -> frozenset[IdentityRange]:
    """These ranges; a text is one that is in use, behind `off ` one that is not.

    Behind `block ` it is of the block of its WWSF.
    """
    return frozenset(_some_range(each) if isinstance(each, str) else each for each in texts)


def _some_range(text: str) -> IdentityRange:
    kind, _, rest = text.rpartition(" ")
    mode = RangeMode.BLOCK if kind == "block" else RangeMode.STATIC
    return a_range(rest, enabled=not kind, mode=mode)


def a_block(**changes: Any) -> Block:
    """The block of `shop`, whose web server is asked for a password at the edge."""
    return _changed(
        Block(
            pilot=Impu.parse("sip:pilot@home1.net"),
            impi=Impi.parse("shop@home1.net"),
            mode=BlockMode.STATIC,
            addresses=frozenset({"192.0.2.7/32"}),
        ),
        changes,
        pilot=Impu.parse,
        impi=Impi.parse,
        mode=BlockMode,
        client_certificates=frozenset,
        addresses=frozenset,
    )


def a_wwsf_with_block(**changes: Any) -> Wwsf:
    """A WWSF without a pool, whose web server registers its only range."""
    return a_wwsf(
        **{"ranges": [a_range(enabled=False, mode=RangeMode.BLOCK)], "block": a_block(), **changes}
    )


def block_news(**changes: Any) -> BlockNews:
    """Word of an edge that the block of `shop` is registered for ten minutes."""
    return _changed(
        BlockNews(WwsfId("shop"), a_block().account, told_at=1, until=from_now(600)),
        changes,
        until=lambda seconds: None if seconds is None else from_now(seconds),
        cause=Cause,
        confirmed=frozenset,
    )


def some_blocks(**changes: Any) -> Blocks:
    """What is known after such news."""
    return Blocks().heard(block_news(**changes), NOW)


def a_domain(domain: str = "home1.net", **changes: Any) -> HomeDomain:
    """A home domain that is its own realm and visited network."""
    return replace(HomeDomain(domain, domain, domain), **changes)


def an_entity(**changes: Any) -> AuthorizationEntity:
    """An active WAF of the operator."""
    return _changed(
        AuthorizationEntity(
            id=EntityId("waf"),
            issuer="https://waf.home1.net",
            location=Location.OPERATOR,
            entity_id="waf1@home1.net",
            keys=PemKeys(""),
            algorithms=frozenset({"ES256"}),
        ),
        changes,
        location=Location,
        state=EntityState,
        algorithms=frozenset,
        token_types=frozenset,
        max_life=some_seconds,
        claims=lambda names: ClaimNames(**names),
    )


def a_wwsf(**changes: Any) -> Wwsf:
    """An active WWSF without a pool, for whose users the entity `waf` vouches."""
    return _changed(
        Wwsf(
            id=WwsfId("shop"),
            client_id="shop-client",
            origins=frozenset({"https://shop.example"}),
            entities=frozenset({EntityId("waf")}),
        ),
        changes,
        origins=frozenset,
        entities=frozenset,
        client_certificates=frozenset,
        pool=lambda pool: a_pool(**pool) if isinstance(pool, Mapping) else pool,
        ranges=some_ranges,
        block=lambda block: a_block(**block) if isinstance(block, Mapping) else block,
        credentials=Credentials,
        quota=lambda quota: Quota(**quota) if isinstance(quota, Mapping) else quota,
        state=WwsfState,
    )


def a_subscription(**changes: Any) -> Subscription:
    """Alice's subscription, who has admitted the WWSF `shop`."""
    return _changed(
        Subscription(
            impi=Impi.parse("alice@home1.net"),
            impus=impus(["sip:alice@home1.net"]),
            wwsfs=frozenset({WwsfId("shop")}),
        ),
        changes,
        impi=Impi.parse,
        impus=impus,
        wwsfs=frozenset,
    )


def a_policy(
    *,
    wwsfs: Iterable[Wwsf] | None = None,
    entities: Iterable[AuthorizationEntity] | None = None,
    domains: Iterable[HomeDomain] | None = None,
    subscriptions: Iterable[Subscription] = (),
    revision: int = 1,
    shared_epoch: int = 0,
) -> Policy:
    """One home domain, one WAF, one WWSF, nobody known by itself."""
    wwsfs = [a_wwsf()] if wwsfs is None else wwsfs
    entities = [an_entity()] if entities is None else entities
    domains = [a_domain()] if domains is None else domains
    return Policy(
        revision=revision,
        shared_epoch=shared_epoch,
        domains={domain.domain: domain for domain in domains},
        entities={entity.id: entity for entity in entities},
        wwsfs={wwsf.id: wwsf for wwsf in wwsfs},
        subscriptions={record.impi: record for record in subscriptions},
    )


def a_token(**changes: Any) -> AccessToken:
    """Alice's token: a minute old, good for ten more, issued to the WWSF `shop` by `waf`."""
    return _changed(
        AccessToken(
            entity=EntityId("waf"),
            issuer="https://waf.home1.net",
            subject="web-user-17",
            audience=frozenset({"epcscf.home1.net"}),
            scope=frozenset({IMS_ACCESS_SCOPE}),
            issued_at=from_now(-60),
            expires_at=from_now(600),
            not_before=None,
            wwsf="shop-client",
            impi=Impi.parse("alice@home1.net"),
            impus=impus(["sip:alice@home1.net"]),
            token_id="",
            certificate="",
        ),
        changes,
        audience=frozenset,
        scope=lambda text: frozenset(text.split()),
        issued_at=from_now,
        expires_at=from_now,
        not_before=from_now,
        impi=lambda text: Impi.parse(text) if text else None,
        impus=impus,
    )


def a_revocation(**changes: Any) -> Revocation:
    """Of all tokens of Alice's that were issued until NOW."""
    return _changed(
        Revocation(
            id="r1",
            whom=Whom.SUBJECT,
            value=digest_of("https://waf.home1.net", "web-user-17"),
            issuer="https://waf.home1.net",
            name="web-user-17",
            issued_before=NOW,
            created_at=NOW,
            expires_at=from_now(86_400),
        ),
        changes,
        whom=Whom,
        issued_before=from_now,
        expires_at=from_now,
    )


def some_rules(**changes: Any) -> JudgeRules:
    """Rules as they come, for a node of home1.net."""
    return _changed(
        JudgeRules(audience="epcscf.home1.net", node_host="epcscf1.home1.net"),
        changes,
        skew=some_seconds,
        verdict_life=some_seconds,
        refusal_life=some_seconds,
        margin=some_seconds,
        minimum_expires=some_seconds,
        close_on_reject=CloseOnReject,
    )


def register_facts(
    *,
    wwsf: str = "shop",
    to: str = "sip:alice@home1.net",
    authorization: str = OPAQUE,
    client_certificate: str = "",
    call_id: str = "aiuy7k9njasd",
    request_domain: str = "home1.net",
) -> RegisterFacts:
    """A REGISTER of Alice through the door of `shop`."""
    door = Door(WwsfId(wwsf), "browsers", client_certificate)
    return RegisterFacts(door, to, authorization, call_id, request_domain)


def a_case(
    *,
    facts: RegisterFacts | None = None,
    assertion: AccessToken | TokenFault | None = None,
    use: TokenUse = TokenUse.FREE,
    revocation: Revocation | None = None,
    policy: Policy | None = None,
    rules: JudgeRules | None = None,
    blocks: Blocks = NO_BLOCKS,
) -> Case:
    """Alice's REGISTER with her token, at NOW."""
    return Case(
        request=read_register(facts or register_facts()),
        evidence=Evidence(assertion or a_token(), use, revocation),
        policy=policy or a_policy(),
        rules=rules or some_rules(),
        now=NOW,
        blocks=blocks,
    )


def a_fault(reason: str = "signature_invalid") -> TokenFault:
    """Word of the verifier that it cannot vouch."""
    return TokenFault(Reason(reason), EntityId("waf"), "found something")


def _changed(thing: _Thing, changes: Changes, **readers: Callable[[Any], Any]) -> _Thing:
    read = {name: readers.get(name, _as_it_is)(value) for name, value in changes.items()}
    changed: _Thing = replace(cast("Any", thing), **read)
    return changed


def _as_it_is(value: Any) -> Any:
    return value
