"""Well-formedness: what a resource must look like before it may become policy.

* Checked once, when an operator provisions; the judge trusts what has passed here.
* Spelling that could be read in two ways is refused and the right spelling said, not guessed:
  Origins, issuers and realms are later compared to the letter.
* What a resource refers to, and what is unique, only the store can tell.
"""

from __future__ import annotations

import ipaddress
import re

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from epcscfd.domain.identity import MalformedIdentity, parse_hostname
from epcscfd.domain.policy import (
    AuthorizationEntity,
    HomeDomain,
    JwksFile,
    JwksUrl,
    Location,
    Subscription,
    Wwsf,
)
from epcscfd.domain.ranges import RangeMode
from epcscfd.errors import InvalidArgument, quote


if TYPE_CHECKING:
    from collections.abc import Iterable

    from epcscfd.app.provisioning import Resource
    from epcscfd.domain.identity import Impi, Impu
    from epcscfd.domain.introspection import Introspection

ID = re.compile(r"[a-z0-9-]{1,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")

PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
"What may stand in a quoted-string after escaping; no line can be broken with it."

TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
"scope-token of RFC 6749 appendix A.4."

# RFC 8725 3.1: only what a public key can verify. With a shared secret we could issue tokens.
ALGORITHMS = frozenset(
    {
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
        *("PS256", "PS384", "PS512", "RS256", "RS384", "RS512"),
    }
)

LONGEST_URL = 2048
LONGEST_DISPLAY_NAME = 255
LIFE_LIMIT = timedelta(days=30)
"What lives longer is no access token."
HIGHEST_NUMBER = 2**31 - 1
"Numbers are signed integers at the edge."
MOST_RANGES = 1000
"Of one WWSF; thousands of numbers are one range, not thousands."

MOST_PEERS = 64
"Addresses or certificates of one web server; an edge looks through them for each REGISTER."

LONGEST_SPANS = {"ttl": 3600, "negative_ttl": 60, "timeout": 7}
"Seconds. An edge waits eight for a verdict, and what is revoked should not live for hours."

DEFAULT_PORTS = {"https": 443, "http": 80}


def check_resource(resource: Resource) -> None:
    """Raise InvalidArgument, with the field as operators know it, unless well-formed."""
    check_display_name(resource)
    match resource:
        case HomeDomain():
            _check_home_domain(resource)
        case AuthorizationEntity():
            _check_entity(resource)
        case Wwsf():
            _check_wwsf(resource)
        case Subscription():
            _check_subscription(resource)


def check_display_name(resource: Resource) -> None:
    """Raise InvalidArgument unless the name for people is one line."""
    name = resource.display_name
    fits = len(name) <= LONGEST_DISPLAY_NAME and (name.isprintable() or not name)
    need(fits, "display_name", f"must be printable and at most {LONGEST_DISPLAY_NAME} long")


def check_change(before: Resource, after: Resource) -> None:
    """Raise InvalidArgument if an edit that takes away would let more through."""
    if not isinstance(before, Wwsf) or not isinstance(after, Wwsf):
        return
    # Whoever has ranges and no pool is confined to them; whoever has neither serves subscribers
    # of the operator (TS 33.203 X.3). To get from the one to the other takes a word.
    loosened = bool(before.ranges) and not (after.ranges or after.pool or after.proof_required)
    why = "without them it could vouch for every subscriber: suspend it, or set proof_required"
    need(not loosened, "ranges", why)


def _check_home_domain(domain: HomeDomain) -> None:
    _check_host("name", domain.domain)
    need_match(PRINTABLE, "realm", domain.realm, "printable ASCII")
    need_match(PRINTABLE, "visited_network_id", domain.visited_network_id, "printable ASCII")
    fits = 0 < domain.next_hop_set <= HIGHEST_NUMBER
    need(fits, "next_hop_set", f"must be from 1 to {HIGHEST_NUMBER}")


def _check_entity(entity: AuthorizationEntity) -> None:
    need_match(ID, "name", entity.id, "an id of `[a-z0-9-]{1,63}`")
    check_url("issuer", entity.issuer)
    # TS 33.203 X.3.2.3 step 5: a third party's users are checked by the core, by this very name.
    if entity.location is Location.THIRD_PARTY:
        need(bool(entity.entity_id), "entity_id", "is needed for a third party")
    if entity.entity_id:
        need_match(PRINTABLE, "entity_id", entity.entity_id, "printable ASCII")
    _check_keys(entity)
    _check_introspection(entity.introspection)
    need(bool(entity.keys or entity.introspection), "keys", "is needed without introspection")
    unused = entity.keys is None and not entity.algorithms
    need(bool(entity.algorithms) or unused, "algorithms", "at least one is needed")
    for algorithm in sorted(entity.algorithms - ALGORITHMS):
        known = ", ".join(sorted(ALGORITHMS))
        raise InvalidArgument("algorithms", f"{quote(algorithm)} is none of {known}")
    need_matches(TOKEN, "token_types", entity.token_types, "a media type")
    need_match(TOKEN, "scope", entity.scope, "one scope, without space or quotes")
    if entity.audience:
        need_match(PRINTABLE, "audience", entity.audience, "printable ASCII")
    for field in ("impi", "impu", "wwsf", "scope"):
        need_match(
            PRINTABLE, f"claim_names.{field}", getattr(entity.claims, field), "a claim name"
        )
    limit = int(LIFE_LIMIT.total_seconds())
    need(entity.max_life <= LIFE_LIMIT, "max_life_seconds", f"must be at most {limit}")


def _check_keys(entity: AuthorizationEntity) -> None:
    match entity.keys:
        case JwksUrl(url):
            check_url("keys.jwks_url", url)
        case JwksFile(path):
            need(path.startswith("/"), "keys.jwks_file", "must be an absolute path")


def _check_introspection(asked: Introspection | None) -> None:
    if asked is None:
        return
    check_url("introspection.url", asked.url)
    need_match(PRINTABLE, "introspection.client_id", asked.client_id, "printable ASCII")
    # It becomes a file name: nothing in it may lead elsewhere.
    need_match(ID, "introspection.credential", asked.credential, "a name of `[a-z0-9-]{1,63}`")
    for field, longest in LONGEST_SPANS.items():
        seconds = getattr(asked, field).total_seconds()
        fits = 1 <= seconds <= longest
        need(fits, f"introspection.{field}_seconds", f"must be from 1 to {longest}")


def _check_wwsf(wwsf: Wwsf) -> None:
    need_match(ID, "name", wwsf.id, "an id of `[a-z0-9-]{1,63}`")
    need_match(PRINTABLE, "client_id", wwsf.client_id, "printable ASCII")
    for origin in sorted(wwsf.origins):
        _check_origin(origin)
    certificates = wwsf.client_certificates
    need_matches(SHA256, "client_certificates", certificates, "a SHA-256 in lower-case hex")
    if wwsf.pool is not None:
        check_identities("pool.impis", wwsf.pool.impis)
        for realm in sorted(wwsf.pool.impi_realms):
            _check_host("pool.impi_realms", realm)
    _check_ranges(wwsf)
    _check_block(wwsf)
    for limit in ("max_registrations", "max_first_sights"):
        fits = 0 <= getattr(wwsf.quota, limit) <= HIGHEST_NUMBER
        need(fits, f"quota.{limit}", f"must be at most {HIGHEST_NUMBER}")


def _check_ranges(wwsf: Wwsf) -> None:
    need(len(wwsf.ranges) <= MOST_RANGES, "ranges", f"must be at most {MOST_RANGES}")
    texts = sorted(map(str, wwsf.ranges))
    for text, following in pairwise(texts):
        need(text != following, "ranges", f"{quote(text)} is listed twice, differently")


def _check_block(wwsf: Wwsf) -> None:
    block = wwsf.block
    for each in sorted(wwsf.ranges, key=str):
        of_block = each.mode is RangeMode.BLOCK
        text = quote(str(each))
        need(block is not None or not of_block, "ranges", f"{text} is of a block: there is none")
        # Two who say so could differ; it is the web server who says.
        why = f"{text} is enabled by the registration of its block, not here"
        need(not (of_block and each.enabled), "ranges", why)
    if block is None:
        return
    need(bool(wwsf.block_ranges), "ranges", "a block needs one at least whose mode is block")
    check_identities("block.pilot", [block.pilot])
    # The REGISTER is addressed to its domain, and the challenge has that realm.
    need(block.pilot.domain is not None, "block.pilot", "must be a sip: URI")
    check_identities("block.impi", [block.impi])
    certificates = block.client_certificates
    need_matches(SHA256, "block.client_certificates", certificates, "a SHA-256 in lower-case hex")
    told = bool(certificates or block.addresses)
    need(told, "block.client_certificates", "or block.addresses is needed to tell the web server")
    fits = max(len(certificates), len(block.addresses)) <= MOST_PEERS
    need(fits, "block.addresses", f"must be at most {MOST_PEERS}")


def _check_subscription(subscription: Subscription) -> None:
    check_identities("name", [subscription.impi])
    need(bool(subscription.impus), "impus", "at least one is needed")
    check_identities("impus", subscription.impus)


def check_identities(field: str, identities: Iterable[Impi] | Iterable[Impu]) -> None:
    """Raise InvalidArgument if one is a pattern: here each stands for itself."""
    for identity in sorted(map(str, identities)):
        # TS 23.003 13.5: the outermost pair of `!` encloses an expression.
        need(identity.count("!") < 2, field, f"{quote(identity)} is a pattern, not an identity")


def _check_origin(origin: str) -> None:
    """Check that *origin* is serialised as browsers do (RFC 6454 6.2)."""
    parts = check_url("origins", origin)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port if parts.port != DEFAULT_PORTS[parts.scheme] else None
    serialised = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    need(origin == serialised, "origins", f"write {quote(serialised)} for {quote(origin)}")


def check_url(field: str, url: str) -> SplitResult:
    """Raise InvalidArgument unless *url* is https, or http to this machine, which is for labs."""
    short = len(url) <= LONGEST_URL and url.isascii() and url.isprintable() and " " not in url
    need(short, field, f"{quote(url)} is no URL")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidArgument(field, f"{quote(url)} is no URL") from None
    need(usable, field, f"{quote(url)} is no URL")
    plain = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    need(parts.scheme == "https" or plain, field, f"{quote(url)} is not https")
    need(parts.username is None and not parts.fragment, field, "has no user and no fragment")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_host(field: str, host: str) -> None:
    try:
        canonical = parse_hostname(host)
    except MalformedIdentity:
        raise InvalidArgument(field, f"{quote(host)} is no domain") from None
    need(host == canonical, field, f"write {quote(canonical)} for {quote(host)}")


def need_match(form: re.Pattern[str], field: str, value: str, expected: str) -> None:
    """Raise InvalidArgument unless *value* is of the *form*."""
    need(bool(form.fullmatch(value)), field, f"{quote(value)} is not {expected}")


def need_matches(form: re.Pattern[str], field: str, values: Iterable[str], expected: str) -> None:
    """Raise InvalidArgument unless all *values* are of the *form*."""
    for value in sorted(values):
        need_match(form, field, value, expected)


def need(condition: bool, field: str, why: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise InvalidArgument with *why*, unless *condition*."""
    if not condition:
        raise InvalidArgument(field, why)
