"""Settings: what the process reads once, at its start.

* One TOML file; over it the environment, `EPCSCF_SECTION__KEY` (`EPCSCF_JUDGE__AUDIENCE`).
* Unknown keys, wrong types and impossible values are ConfigError with file, key and the form
  that is expected. Nothing is guessed.
* Who may register whom is not here: that is policy, lives in the store, and changes while we run.
* Certificates and keys are given as paths, never as text, so that a settings file is no secret.
"""

from __future__ import annotations

import re
import socket
import tomllib

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec

from msgspec import Meta

from epcscfd.errors import ConfigError, quote


if TYPE_CHECKING:
    from collections.abc import Mapping


ENVIRONMENT_PREFIX = "EPCSCF_"
LEVELS = "__"

Seconds = Annotated[int, Meta(ge=1, le=31 * 86_400)]
Port = Annotated[str, Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")]
AbsolutePath = Annotated[str, Meta(pattern=r"^/", max_length=100)]
"Absolute, since a daemon has no useful working directory; short, since socket paths end at 107."


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Node(Section, frozen=True):
    """Who we are."""

    name: str = msgspec.field(default_factory=socket.gethostname)
    "Unique among the sidecars of a deployment; host names usually are."

    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:\[\]-]+$")] = msgspec.field(
        default_factory=socket.gethostname
    )
    "What icid-generated-at says (RFC 7315 5.6): the address that charging knows this node by."


class Tcp(Section, frozen=True):
    """A TCP listener. Has no default and no plain form: whoever is remote shows a certificate."""

    listen: Port
    certificate_file: AbsolutePath
    key_file: AbsolutePath
    client_ca_file: AbsolutePath
    "Issuer of the client certificates that are let in."


class Control(Section, frozen=True):
    """Where edges ask."""

    socket: AbsolutePath = "/run/epcscf/control.sock"
    "A directory of its own, since its permissions decide who may ask."

    tcp: Tcp | None = None
    "Off: one sidecar beside each Kamailio needs no network."


class Admin(Section, frozen=True):
    """Where operators manage the policy."""

    socket: AbsolutePath = "/run/epcscf/admin.sock"
    "Not the control socket: Kamailio's user has no business here."

    tcp: Tcp | None = None
    "Off: managing from elsewhere is a decision."


class Store(Section, frozen=True):
    """Where the policy is kept."""

    url: str = "sqlite+aiosqlite:////var/lib/epcscf/policy.db"
    "Embedded, so that one node needs no database server."

    follow_seconds: Annotated[int, Meta(ge=1, le=60)] = 2
    "How soon what another sidecar on the same database has changed is in force here."

    max_staleness_seconds: Annotated[int, Meta(ge=10, le=86_400)] = 900
    "For how long we judge without the store; as long as an edge goes on without us."


class Judge(Section, frozen=True):
    """By which REGISTERs are judged, next to the policy."""

    audience: Annotated[str, Meta(min_length=1, max_length=255)]
    "`aud` of tokens for this eP-CSCF. No default: a guess would refuse every token."

    skew_seconds: Annotated[int, Meta(ge=0, le=300)] = 30
    "How far clocks of issuers may be off; NTP keeps within a second, people forget NTP."

    verdict_life_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 900
    "How long an edge that is cut off from us goes on with what it knows."

    margin_seconds: Annotated[int, Meta(ge=0, le=300)] = 10
    "A registration ends this long before its token: time for a late de-registration to arrive."

    minimum_expires_seconds: Annotated[int, Meta(ge=1, le=3600)] = 60
    "A shorter registration costs the core more than it gives; what stock S-CSCFs ask for."

    close_on_reject: Literal["strict", "smart"] = "smart"
    "Smart keeps the WebSocket where the WIC can answer the challenge (RFC 8898 2.1.1)."


class Edges(Section, frozen=True):
    """How we deal with SIP edges."""

    grace_seconds: Annotated[int, Meta(ge=5, le=3600)] = 60
    "Stock clients are back within half a minute of a restart; then the core is told of the rest."


class Events(Section, frozen=True):
    """How WWSFs are told of their identities."""

    keep_days: Annotated[int, Meta(ge=1, le=90)] = 7
    "A WWSF that was away for a week has to look at what is registered anyway."

    http_to_loopback: bool = False
    "Off: clear text on this machine is for tests."

    ca_file: AbsolutePath | None = None
    "Issuer of the certificates of WWSFs; unset: those that the system trusts."


class Keys(Section, frozen=True):
    """How keys of issuers are kept."""

    soft_ttl_seconds: Seconds = 300
    "Keys are fetched anew in the background after five minutes: rotations are seen soon."

    hard_ttl_seconds: Seconds = 86_400
    "An issuer that cannot be reached for a day no longer vouches for anybody."

    ca_file: AbsolutePath | None = None
    "Whom issuers' web servers are certified by, if not by what the operating system trusts."


class Introspection(Section, frozen=True):
    """How issuers are asked about tokens."""

    credential_directory: AbsolutePath = "/etc/epcscf/credentials"
    "Where our secrets, keys and certificates lie, each in a file of the name the policy says."


class Log(Section, frozen=True):
    """What is written to standard output."""

    format: Literal["json", "console"] = "json"
    "Read by machines first; `console` is for a person in front of a terminal."

    level: Literal["debug", "info", "warning", "error"] = "info"
    "One line per decision, and what changes."


class Metrics(Section, frozen=True):
    """Where Prometheus asks."""

    listen: Annotated[str, Meta(pattern=r"^$|:[0-9]{1,5}$")] = ""
    "Off: a port that nobody asked for is a door; `127.0.0.1:9464` is usual."


class Ldap(Section, frozen=True):
    """A directory of web users, in place of the WAF's own."""

    url: Annotated[str, Meta(pattern=r"^ldaps?://[A-Za-z0-9.\[\]:-]+$")]
    "`ldaps://…`; `ldap://` begins with StartTLS, but for loopback."

    base: str
    "Below it are the users."

    filter: Annotated[str, Meta(pattern=r"^\(.*\{name\}.*\)$")] = "(uid={name})"
    "Finds the entry of a user; `{name}` is escaped."

    bind_dn: str = ""
    "Who searches; empty: nobody in particular."

    password_file: AbsolutePath | None = None
    "The password of bind_dn."

    ca_file: AbsolutePath | None = None
    "Issuer of the directory's certificate; none: those that the system trusts."

    impi_attribute: str = "imsImpi"
    impu_attribute: str = "imsImpu"
    name_attribute: str = "cn"
    "What a person calls the user."

    timeout_seconds: Annotated[int, Meta(ge=1, le=30)] = 4
    "A login waits for it; nothing else does."


class Waf(Section, frozen=True):
    """The authorization server, of `epcscfd waf`. Has no default: few run one here."""

    issuer: Annotated[str, Meta(pattern=r"^https://[^/?#\s]+$", max_length=255)]
    "`iss` of its tokens, and where browsers and WWSFs find it: https, no path."

    epcscf_uri: Annotated[str, Meta(pattern=r"^wss://[^\s]+$", max_length=255)]
    "Where WICs connect; told with every token."

    secret_file: AbsolutePath
    "32 random bytes or more, for this WAF's eyes only; all of its processes have the same."

    listen: Port = "127.0.0.1:8444"
    "Loopback: to be on the network is a decision."

    behind_front: bool = False
    "TLS ends in a front end that alone reaches `listen`; its headers are believed."

    certificate_file: AbsolutePath | None = None
    key_file: AbsolutePath | None = None
    client_ca_file: AbsolutePath | None = None
    "Issuer of certificates by which WWSFs prove themselves (RFC 8705)."

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{0,255}$")] = ""
    "`waf_id` of its tokens. Empty: the host of the issuer."

    name: Annotated[str, Meta(min_length=1, max_length=80)] = "IMS login"
    "What its pages call it."

    admin_socket: AbsolutePath = "/run/epcscf/waf-admin.sock"
    "Not that of `epcscfd serve`, which may run beside it."

    code_seconds: Annotated[int, Meta(ge=5, le=600)] = 60
    "RFC 6749 4.1.2 allows ten minutes; a redirect takes seconds."

    refresh_seconds: Seconds = 30 * 86_400
    "For how long a WWSF goes on without asking the user."

    session_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 3600
    "For how long a user stays logged in."

    key_life_seconds: Annotated[int, Meta(ge=7200, le=366 * 86_400)] = 30 * 86_400
    "How long a key signs; the next one is published an hour before it does."

    ldap: Ldap | None = None
    "None: users are those of `epcscfctl waf-user`."


class Settings(Section, frozen=True):
    """All of it."""

    judge: Judge
    node: Node = Node()
    control: Control = Control()
    admin: Admin = Admin()
    store: Store = Store()
    edges: Edges = Edges()
    events: Events = Events()
    keys: Keys = Keys()
    introspection: Introspection = Introspection()
    log: Log = Log()
    metrics: Metrics = Metrics()
    waf: Waf | None = None


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read *path*, lay *environment* over it and check all of it. Raise ConfigError."""
    tree = _read(path)
    for variable, value in sorted(environment.items()):
        if variable.startswith(ENVIRONMENT_PREFIX) and LEVELS in variable:
            _overlay(tree, variable, value)
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        key, why = _explain(str(error))
        raise ConfigError(f"{path}: {key}", why) from None
    _check(settings, path)
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is not TOML: {error}") from None


def _overlay(tree: dict[str, Any], variable: str, value: str) -> None:
    """Put *value* where *variable* points to, in the type that the key there has."""
    *sections, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split(LEVELS)
    struct: Any = Settings
    for section in sections:
        struct = _type_of(struct, section, variable)
        tree = tree.setdefault(section, {})
    wanted = _type_of(struct, key, variable)
    try:
        tree[key] = msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"environment: {variable}", _explain(str(error))[1]) from None


def _type_of(struct: Any, key: str, variable: str) -> Any:
    """Tell the type of *key* in *struct*; optional tables count as their table."""
    fields = msgspec.structs.fields(struct) if _is_section(struct) else ()
    for field in fields:
        if field.name == key:
            return _without_none(field.type)
    raise ConfigError(f"environment: {variable}", f"no such setting: {quote(key)}")


def _without_none(wanted: Any) -> Any:
    tables = [each for each in get_args(wanted) if _is_section(each)]
    return tables[0] if tables else wanted


def _is_section(struct: Any) -> bool:
    return isinstance(struct, type) and issubclass(struct, Section)


def _explain(message: str) -> tuple[str, str]:
    """Split msgspec's "what - at `$.where`" into where and what."""
    why, _, where = message.partition(" - at `$.")
    key = where.rstrip("`")
    for form, told in _FORMS:
        if field := form.search(why):
            return ".".join(part for part in (key, field[1]) if part), told
    return key, why[:1].lower() + why[1:]


_FORMS = (
    (re.compile(r"unknown field `(.+)`"), "no such setting"),
    (re.compile(r"missing required field `(.+)`"), "is needed and has no default"),
)


def _check(settings: Settings, path: Path) -> None:
    """Check what concerns more than one key."""
    if settings.keys.hard_ttl_seconds < settings.keys.soft_ttl_seconds:
        raise ConfigError(f"{path}: keys.hard_ttl_seconds", "must not be below soft_ttl_seconds")
    if settings.store.max_staleness_seconds <= settings.store.follow_seconds:
        raise ConfigError(f"{path}: store.max_staleness_seconds", "must be above follow_seconds")
    if settings.control.socket == settings.admin.socket:
        raise ConfigError(f"{path}: admin.socket", "must not be the control socket")
    if settings.keys.ca_file is not None:
        _check_file(settings.keys.ca_file, path)
    if settings.waf is not None:
        _check_waf(settings.waf, path)
    for listener in (settings.control.tcp, settings.admin.tcp):
        if listener is not None:
            _check_readable(listener, path)


SHORTEST_SECRET = 32
"Bytes; `openssl rand 48` makes a good one."


def _check_waf(waf: Waf, path: Path) -> None:
    secured = waf.certificate_file is not None and waf.key_file is not None
    if secured == waf.behind_front:
        why = "needs certificate_file and key_file, or behind_front, and not both"
        raise ConfigError(f"{path}: waf", why)
    if waf.client_ca_file and waf.behind_front:
        raise ConfigError(f"{path}: waf.client_ca_file", "is the front end's to check")
    files = (waf.certificate_file, waf.key_file, waf.client_ca_file)
    directory = waf.ldap
    more = (directory.password_file, directory.ca_file) if directory else ()
    for file in (waf.secret_file, *files, *more):
        if file is not None:
            _check_file(file, path)
    if len(Path(waf.secret_file).read_bytes()) < SHORTEST_SECRET:
        raise ConfigError(f"{path}: waf.secret_file", f"must have {SHORTEST_SECRET} bytes or more")


def _check_readable(listener: Tcp, path: Path) -> None:
    for file in (listener.certificate_file, listener.key_file, listener.client_ca_file):
        _check_file(file, path)


def _check_file(file: str, path: Path) -> None:
    try:
        Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(str(path), f"{file} cannot be read: {error.strerror}") from None
