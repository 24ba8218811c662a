"""The web side on loopback: the operator's WAF, and a site of each kind with its users.

    with Deployment(run_dir, web.WISHES) as lab, web.WebSide(lab) as side:
        print(side.sites["flowers"].origin)

Everybody is `localhost`, told apart by ports: every browser finds that, and so do programs.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import sqlite3
import subprocess
import time

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization

from demo.wwsf.accounts import HASHER
from lab.child import Child
from lab.core import Plan as CorePlan
from lab.deployment import SUBSCRIPTIONS, Deployment, Wishes
from lab.edge import ROOT
from lab.issuer import SigningKey
from lab.logfile import LogFile
from lab.ports import free_port
from lab.sidecar import AUDIENCE, PROGRAMS
from lab.subscribers import Subscription


HOST = "localhost"
ALICE, BOB = "alice@ims.example", "bob@ims.example"
GUESTS = tuple(f"guest{n}@party.example" for n in range(1, 7))

POOL = tuple(
    Subscription(impi=impi, impus=(f"sip:party-{impi[:6]}@ims.example",)) for impi in GUESTS
)
ROOMS = "sip:room-!1[0-9]{2}!@ims.example"
"A static range: the core has it by configuration, and the HSS none of its members."

FIRST_ROOM, LAST_ROOM = 101, 104
"Those that are lent."

ACCOUNTS = (
    Subscription(impi=ALICE, impus=("sip:alice@ims.example",)),
    Subscription(impi=BOB, impus=("sip:bob@ims.example",)),
    *POOL,
    *(
        Subscription(impi=f"room-{n}@inn.example", impus=(f"sip:room-{n}@ims.example",))
        for n in range(FIRST_ROOM, LAST_ROOM + 1)
    ),
)
"IMS accounts of the WAF; the HSS knows the same users, but for the rooms."

WISHES = Wishes(subscriptions=(*SUBSCRIPTIONS, *POOL), core=CorePlan(ranges=(ROOMS,)), media=True)
"For a deployment with a web side."

PASSWORDS = {"alice": "wonderland", "bob": "the builder"}
"Of the WAF; `alice` and `bob` have the same at the sites that know them."


@dataclass(frozen=True, slots=True)
class Plan:
    """One site."""

    title: str
    kind: str
    grants: tuple[str, ...]
    anonymous: bool = False
    ranges: tuple[str, ...] = ()
    "What is lent is of these; none: subscriptions."


PLANS = {
    "chess": Plan("Corner Chess", "own", ("jwt-bearer",)),
    "myline": Plan("My Line", "operator", ("authorization-code", "refresh-token")),
    "flowers": Plan("Rosa's Flowers", "third_party", ("authorization-code", "refresh-token")),
    "party": Plan("Party Line", "pool", ("client-credentials",), anonymous=True),
    "inn": Plan("Harbour Inn", "pool", ("client-credentials",), anonymous=True, ranges=(ROOMS,)),
}
"By the id of the WWSF."

POLICY = """
[authorization_entities.{entity}]
issuer = "{issuer}"
location = "operator"
keys.jwks_url = "{issuer}/jwks"
algorithms = ["ES256"]
"""

ENTITY = "operator-waf"

AT_ONCE = 4
"Commands that provision."


@dataclass(frozen=True, slots=True)
class Place:
    """Where something of the web side is served."""

    port: int = field(default_factory=free_port)

    @property
    def origin(self) -> str:
        """As browsers say it."""
        return f"https://{HOST}:{self.port}"

    def listens(self) -> bool:
        """Tell whether somebody answers there."""
        with contextlib.closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class WebSide:
    """Starts WAF and sites beside a deployment that is up."""

    def __init__(self, lab: Deployment, ports: Iterable[int] = ()) -> None:
        self.lab = lab
        self.run_dir = lab.run_dir / "web"
        places = [Place(port) for port in ports] or [Place() for _ in (*PLANS, "waf")]
        self.waf_place = places[0]
        self.sites = dict(zip(PLANS, places[1:], strict=True))
        self.epcscf_uri = f"wss://{HOST}:{lab.edge.plan.browser_port}/"
        self.waf = self._make_waf()
        self.wwsfs = self._make_sites()
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            starting.enter_context(self.waf)
            self._provision()
            starting.enter_context(self.wwsfs)
            self.lab.edge.wait_for_policy()
            self._held = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def ctl(self, *words: str, stdin: str = "") -> str:
        """Run `epcscfctl` towards the WAF. Raise RuntimeError if it fails."""
        admin = self.run_dir / "waf-admin.sock"
        command = [str(PROGRAMS / "epcscfctl"), "--socket", str(admin), "waf", *words]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def lease_ends(self, name: str, impi: str) -> float:
        """Tell until when the site *name* holds *impi* for somebody, seconds since 1970."""
        with contextlib.closing(sqlite3.connect(self._pool_file(name))) as pool:
            (ends,) = pool.execute(
                "SELECT held_until FROM pool_pairs WHERE impi = ?", (impi,)
            ).fetchone()
        return int(ends) / 1000

    def free(self, name: str) -> int:
        """Count what the site *name* could lend now."""
        query = "SELECT count(*) FROM pool_pairs WHERE free_at <= ?"
        with contextlib.closing(sqlite3.connect(self._pool_file(name))) as pool:
            (count,) = pool.execute(query, (time.time() * 1000,)).fetchone()
        return int(count)

    def _make_waf(self) -> Child:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        secret = self.run_dir / "waf.secret"
        secret.write_bytes(secrets.token_bytes(32))
        config = self.run_dir / "waf.toml"
        config.write_text(
            _toml(
                {
                    "node": {"name": "lab-waf"},
                    "store": {
                        "url": f"sqlite+aiosqlite:///{self.lab.sidecar.run_dir / 'policy.db'}"
                    },
                    "judge": {"audience": AUDIENCE},
                    "waf": {
                        "issuer": self.waf_place.origin,
                        "name": "ims.example",
                        "epcscf_uri": self.epcscf_uri,
                        "secret_file": str(secret),
                        "listen": f"127.0.0.1:{self.waf_place.port}",
                        "certificate_file": str(self.lab.server.certificate),
                        "key_file": str(self.lab.server.key),
                        "admin_socket": str(self.run_dir / "waf-admin.sock"),
                    },
                }
            )
        )
        program = (str(PROGRAMS / "epcscfd"), "waf", "--config", str(config))
        return Child("waf", program, LogFile(self.run_dir / "waf.log"), self.waf_place.listens)

    def _make_sites(self) -> Child:
        files = [self._write_site(name) for name in PLANS]
        program = (str(PROGRAMS / "python"), "-m", "demo.wwsf", *map(str, files))
        return Child(
            "sites",
            program,
            LogFile(self.run_dir / "sites.log"),
            lambda: all(place.listens() for place in self.sites.values()),
            {"PYTHONPATH": str(ROOT)},
        )

    def _write_site(self, name: str) -> Path:
        plan, place = PLANS[name], self.sites[name]
        site: dict[str, Any] = {
            "title": plan.title,
            "kind": plan.kind,
            "origin": place.origin,
            "port": place.port,
            "certificate_file": str(self.lab.server.certificate),
            "key_file": str(self.lab.server.key),
            "epcscf_domain": HOST,
            "home_domain": "ims.example",
            "accounts": [] if plan.kind == "operator" else _accounts(),
            "waf": {
                "issuer": self.waf_place.origin,
                "client_id": name,
                "key_file": str(self._write_key(name)),
                "ca_file": str(self.lab.authority.certificate),
            },
        }
        if plan.kind == "pool":
            site["pool"] = self._pool(name)
            site["released_secret_file"] = str(self._released_secret(name))
        path = self.run_dir / f"{name}.json"
        path.write_text(json.dumps(site, indent=1))
        return path

    def _write_key(self, name: str) -> Path:
        key = SigningKey()
        (self.run_dir / f"{name}.jwks").write_text(json.dumps({"keys": [key.public_jwk()]}))
        path = self.run_dir / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(
            key.private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def _released_secret(self, name: str) -> Path:
        path = self._released_file(name)
        path.write_text(secrets.token_hex(32))
        return path

    def _released_file(self, name: str) -> Path:
        return self.run_dir / f"{name}.released"

    def _pool_file(self, name: str) -> Path:
        return self.run_dir / f"{name}.db"

    def _pool(self, name: str) -> dict[str, Any]:
        return {
            **_stock(PLANS[name]),
            "url": f"sqlite+aiosqlite:///{self._pool_file(name)}",
            "guests": True,
            # a call that was on its way when its callee left is answered within that
            "quarantine_seconds": 1,
        }

    def _provision(self) -> None:
        self.lab.apply(self.lab.policy() + self._policy())
        # each command starts a program, which takes longer than what it then does
        with ThreadPoolExecutor(AT_ONCE) as several:
            list(several.map(self._enrol, PLANS))
            list(several.map(self._open_account, ACCOUNTS))
            list(several.map(self._admit, PASSWORDS))

    def _enrol(self, name: str) -> None:
        plan = PLANS[name]
        redirect = ("--redirect-uri", f"{self.sites[name].origin}/callback")
        grants = [word for grant in plan.grants for word in ("--grant-type", grant)]
        self.ctl(
            *("client", "create", name, "--display-name", plan.title),
            *("--authentication", "private-key-jwt"),
            *("--jwks-file", str(self.run_dir / f"{name}.jwks")),
            *grants,
            *(redirect if "authorization-code" in plan.grants else ()),
            *(("--anonymous",) if plan.anonymous else ()),
        )
        if plan.kind == "pool":
            told = ("--url", f"{self.sites[name].origin}/released")
            secret = ("--secret-file", str(self._released_file(name)))
            self.lab.sidecar.ctl("webhooks", "set", name, *told, *secret)

    def _open_account(self, one: Subscription) -> None:
        impus = [word for impu in one.impus for word in ("--impu", impu)]
        self.ctl("account", "create", one.impi, *impus)

    def _admit(self, name: str) -> None:
        self.ctl("user", "create", name, "--account", f"{name}@ims.example")
        self.ctl("user", "password", name, "--stdin", stdin=PASSWORDS[name])

    def _policy(self) -> str:
        text = POLICY.format(entity=ENTITY, issuer=self.waf_place.origin)
        for name, place in self.sites.items():
            text += f'\n[wwsfs.{name}]\ndisplay_name = "{PLANS[name].title}"\n'
            text += f'origins = ["{place.origin}"]\n'
            text += f'authorization_entities = ["{ENTITY}"]\n'
            if PLANS[name].kind == "pool":
                text += f'pool.impi_realms = ["{name}.example"]\n'
            ranges = ", ".join(
                f'{{ range = "{each}", enabled = true }}' for each in PLANS[name].ranges
            )
            text += f"ranges = [{ranges}]\n"
        return text


def _stock(plan: Plan) -> dict[str, Any]:
    if not plan.ranges:
        return {"pairs": [{"impi": one.impi, "impus": list(one.impus)} for one in POOL]}
    lent = {"first": FIRST_ROOM, "last": LAST_ROOM, "impi_realm": "inn.example"}
    return {"range": {"identities": plan.ranges[0], **lent}}


def _accounts() -> list[dict[str, str]]:
    return [
        {"name": name, "password_hash": HASHER.hash(password), "subject": name}
        for name, password in PASSWORDS.items()
    ]


def _toml(sections: dict[str, dict[str, str]]) -> str:
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key} = {json.dumps(text)}" for key, text in values.items())])
        for name, values in sections.items()
    )
