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

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization

from demo.wwsf.accounts import HASHER
from lab.child import Child
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
ACCOUNTS = (
    Subscription(impi=ALICE, impus=("sip:alice@ims.example",)),
    Subscription(impi=BOB, impus=("sip:bob@ims.example",)),
    *POOL,
)
"IMS accounts of the WAF; the HSS knows the same users."

WISHES = Wishes(subscriptions=(*SUBSCRIPTIONS, *POOL), media=True)
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


PLANS = {
    "chess": Plan("Corner Chess", "own", ("jwt-bearer",)),
    "myline": Plan("My Line", "operator", ("authorization-code", "refresh-token")),
    "flowers": Plan("Rosa's Flowers", "third_party", ("authorization-code", "refresh-token")),
    "party": Plan("Party Line", "pool", ("client-credentials",), anonymous=True),
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
        self.pool_url = f"sqlite+aiosqlite:///{self.run_dir / 'pool.db'}"
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

    def lease_ends(self, impi: str) -> float:
        """Tell until when the site with the pool holds *impi* for somebody, seconds since 1970."""
        with contextlib.closing(sqlite3.connect(self.run_dir / "pool.db")) as pool:
            (ends,) = pool.execute(
                "SELECT held_until FROM pool_pairs WHERE impi = ?", (impi,)
            ).fetchone()
        return int(ends) / 1000

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
            site["pool"] = self._pool()
            site["released_secret_file"] = str(self._released_secret())
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

    def _released_secret(self) -> Path:
        path = self.run_dir / "released.secret"
        path.write_text(secrets.token_hex(32))
        return path

    def _pool(self) -> dict[str, Any]:
        return {
            "url": self.pool_url,
            "guests": True,
            # a call that was on its way when its callee left is answered within that
            "quarantine_seconds": 1,
            "pairs": [{"impi": one.impi, "impus": list(one.impus)} for one in POOL],
        }

    def _provision(self) -> None:
        self.lab.apply(self.lab.policy() + self._policy())
        for name, plan in PLANS.items():
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
        told = f"{self.sites['party'].origin}/released"
        secret = str(self.run_dir / "released.secret")
        self.lab.sidecar.ctl("webhooks", "set", "party", "--url", told, "--secret-file", secret)
        for one in ACCOUNTS:
            impus = [word for impu in one.impus for word in ("--impu", impu)]
            self.ctl("account", "create", one.impi, *impus)
        for name, password in PASSWORDS.items():
            self.ctl("user", "create", name, "--account", f"{name}@ims.example")
            self.ctl("user", "password", name, "--stdin", stdin=password)

    def _policy(self) -> str:
        text = POLICY.format(entity=ENTITY, issuer=self.waf_place.origin)
        for name, place in self.sites.items():
            text += f'\n[wwsfs.{name}]\ndisplay_name = "{PLANS[name].title}"\n'
            text += f'origins = ["{place.origin}"]\n'
            text += f'authorization_entities = ["{ENTITY}"]\n'
            if PLANS[name].kind == "pool":
                text += 'pool.impi_realms = ["party.example"]\n'
        return text


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
