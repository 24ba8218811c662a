"""The WAF as a child process: `epcscfd waf`, on a database of its own or on that of a sidecar."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from lab.child import Child
from lab.issuer import SCOPE
from lab.logfile import LogFile
from lab.ports import free_port
from lab.sidecar import AUDIENCE, PROGRAMS


@dataclass(frozen=True, slots=True)
class WafPlan:
    """What one WAF is to be like."""

    run_dir: Path
    issuer: str = "https://login.ims.example"
    epcscf_uri: str = "wss://epcscf1.ims.example"
    database: Path | None = None
    "None: one of its own."
    settings: dict[str, Any] = field(default_factory=dict)
    "More of `[waf]`; without certificate_file it is behind a front end, which nobody needs here."
    ldap: dict[str, Any] = field(default_factory=dict)


class Waf(Child):
    """One `epcscfd waf`; `url` is where to ask it."""

    def __init__(self, plan: WafPlan) -> None:
        plan.run_dir.mkdir(parents=True, exist_ok=True)
        self.plan = plan
        self.issuer = plan.issuer
        self.port = free_port()
        self.admin_socket = plan.run_dir / "waf.sock"
        self._secured = "certificate_file" in plan.settings
        secret = plan.run_dir / "secret"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_bytes(secrets.token_bytes(48))
        self.config = plan.run_dir / "waf.toml"
        self.config.write_text(self._settings(secret))
        program = (str(PROGRAMS / "epcscfd"), "waf", "--config", str(self.config))
        super().__init__("waf", program, LogFile(plan.run_dir / "waf.log"), self._answers)

    def _settings(self, secret: Path) -> str:
        database = self.plan.database or self.plan.run_dir / "policy.db"
        waf = {
            "issuer": self.issuer,
            "epcscf_uri": self.plan.epcscf_uri,
            "secret_file": str(secret),
            "listen": f"127.0.0.1:{self.port}",
            "admin_socket": str(self.admin_socket),
            "behind_front": not self._secured,
            **self.plan.settings,
        }
        tables = {
            "judge": {"audience": AUDIENCE},
            "store": {"url": f"sqlite+aiosqlite:///{database}"},
            "waf": waf,
            **({"waf.ldap": self.plan.ldap} if self.plan.ldap else {}),
        }
        return "\n".join(
            "\n".join([f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())])
            for name, values in tables.items()
        )

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"{'https' if self._secured else 'http'}://127.0.0.1:{self.port}"

    def ctl(self, *words: str, stdin: str = "") -> str:
        """Run `epcscfctl` at its admin socket; return what it prints.

        Raise RuntimeError, with all that it printed, if it fails.
        """
        command = [str(PROGRAMS / "epcscfctl"), "--socket", str(self.admin_socket), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, input=stdin
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def pool_token(self, client: str, secret: str, impi: str, **more: str) -> httpx2.Response:
        """Ask for a token for an account of a WWSF's own."""
        form = {"grant_type": "client_credentials", "ims_impi": impi, "scope": SCOPE, **more}
        return self.ask("/token", form, (client, secret))

    def ask(
        self, path: str, form: dict[str, str], auth: tuple[str, str] | None = None
    ) -> httpx2.Response:
        """Send a form."""
        return httpx2.post(f"{self.url}{path}", data=form, auth=auth, trust_env=False)
