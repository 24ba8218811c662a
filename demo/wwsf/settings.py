"""What makes one web site: read once from a TOML or JSON file.

Unknown keys and wrong types are errors that name the place. Secrets are files, so that the
settings themselves are none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from msgspec import Meta

from demo.wwsf.pool.lease import Pair, Terms
from demo.wwsf.pool.members import members


Text = Annotated[str, Meta(min_length=1, max_length=255)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Number = Annotated[int, Meta(ge=0, lt=10**15)]
File = Annotated[str, Meta(pattern=r"^/", max_length=255)]
"Absolute, since a daemon has no useful working directory."
SipUri = Annotated[str, Meta(pattern=r"^(sip|tel):[^\s<>\"]+$")]
HttpsOrigin = Annotated[str, Meta(pattern=r"^https://[a-z0-9.:\[\]-]+$")]

MEMBERS_AT_MOST = 10_000
"Each is a row that is looked at when the site starts."


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Waf(Section, frozen=True, kw_only=True):
    """The authorization server, and who we are to it."""

    issuer: HttpsOrigin
    client_id: Text
    key_file: File
    "Private key (PEM, P-256): signs who we are (`private_key_jwt`), and for whom we ask."
    ca_file: File | None = None
    "None: what the operating system trusts."


class Account(Section, frozen=True, kw_only=True):
    """A user of this site."""

    name: Text
    password_hash: Text
    "argon2, as `python -m demo.wwsf hash` prints it."
    subject: Text
    "What the WAF knows the user by. Not the name, which is nobody's business there."


class PoolPair(Section, frozen=True, kw_only=True):
    """An IMS account of this site, to be lent."""

    impi: Text
    impus: Annotated[list[SipUri], Meta(min_length=1)]


class Range(Section, frozen=True, kw_only=True):
    """Members of a static range of this site, to be lent: the core knows none of them by name."""

    identities: Text
    "The range as the operator has given it: `sip:room-!1[0-9]{2}!@ims.example`."
    first: Number
    "Takes the place of the expression; so do all up to *last*."
    last: Number
    impi_realm: Text
    "The WAF has an account of each member's name in it."

    def __post_init__(self) -> None:
        """Refuse what nobody can have meant."""
        if not 0 <= self.last - self.first < MEMBERS_AT_MOST:
            raise ValueError(f"a range is lent in 1 to {MEMBERS_AT_MOST} members")


class Pool(Section, frozen=True, kw_only=True):
    """The identities that this site lends to its users."""

    url: Text
    "Of a database that all processes of the site share, and no other site."
    pairs: list[PoolPair] = []
    range: Range | None = None
    "Instead of *pairs*."
    guests: bool = False
    "Whether somebody who has not logged in may have one (TS 33.203 X.4, anonymous users)."
    reservation_seconds: Seconds = 60
    after_token_seconds: Seconds = 60
    quarantine_seconds: Seconds = 30

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.pairs and self.range is not None:
            raise ValueError("a pool has pairs or a range, not both")
        self.stock()

    def stock(self) -> list[Pair]:
        """Give what there is to lend. Raise ValueError if some of it is not in the range."""
        if self.range is None:
            return [Pair(each.impi, tuple(each.impus)) for each in self.pairs]
        numbers = range(self.range.first, self.range.last + 1)
        return members(self.range.identities, numbers, self.range.impi_realm)

    def terms(self) -> Terms:
        """Give the terms of a lease."""
        return Terms.of(
            self.reservation_seconds, self.after_token_seconds, self.quarantine_seconds
        )


class Site(Section, frozen=True, kw_only=True):
    """One web site with WebRTC users."""

    title: Text
    kind: Literal["own", "operator", "third_party", "pool"]
    """Who logs the user in: *own* - we do, and vouch for him to the WAF; *operator* - the WAF
    does, we have no accounts; *third_party* - we know him by our own account, and he lets us use
    his subscription at the operator's; *pool* - we do, or nobody, and lend him an identity, of a
    subscription or of a static range."""
    origin: HttpsOrigin
    "Ours, as browsers say it; the eP-CSCF admits WebSockets of it."
    host: Text = "127.0.0.1"
    port: Port
    certificate_file: File
    key_file: File
    waf: Waf
    epcscf_domain: Text
    "The eP-CSCF is a host in it; the page talks to no other (S004-9)."
    home_domain: Text
    "Of the operator. Who types a name in it has an IMS credential, which the core checks."
    accounts: list[Account] = []
    pool: Pool | None = None
    released_secret_file: File | None = None
    "Shared with the eP-CSCF, which signs with it what it tells us of identities that became free."

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if (self.kind == "pool") != (self.pool is not None):
            raise ValueError("a site of kind pool has a [pool], and no other has")


def read_site(path: Path) -> Site:
    """Read a settings file. Raise msgspec.ValidationError or OSError, which name the place."""
    read = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    return read(path.read_bytes(), type=Site)
