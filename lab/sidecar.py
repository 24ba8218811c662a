"""The sidecar as a child process, with settings of its own in a run directory."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.child import Child
from lab.logfile import LogFile


PROGRAMS = Path(sys.executable).parent
"Where the console scripts of this interpreter are."

AUDIENCE = "ims.example"
"What tokens for the lab's eP-CSCF say in `aud`."

Settings = Mapping[str, Mapping[str, str | int]]


class Sidecar(Child):
    """One `epcscfd serve`."""

    def __init__(
        self, run_dir: Path, settings: Settings | None = None, command: str = "epcscfd"
    ) -> None:
        self.run_dir = run_dir
        self.control_socket = run_dir / "control.sock"
        self.admin_socket = run_dir / "admin.sock"
        self.credentials = run_dir / "credentials"
        "Where it finds what proves who it is, by name."
        config = run_dir / "epcscfd.toml"
        self.credentials.mkdir(parents=True, exist_ok=True)
        config.write_text(self._settings(settings or {}))
        program = (str(PROGRAMS / command), "serve", "--config", str(config))
        super().__init__("sidecar", program, LogFile(run_dir / "log"), self._answers)

    def _settings(self, more: Settings) -> str:
        sections: dict[str, dict[str, str | int]] = {
            "node": {"name": "lab", "host": "epcscf1.ims.example"},
            "control": {"socket": str(self.control_socket)},
            "admin": {"socket": str(self.admin_socket)},
            "store": {"url": f"sqlite+aiosqlite:///{self.run_dir / 'policy.db'}"},
            "judge": {"audience": AUDIENCE},
            "introspection": {"credential_directory": str(self.credentials)},
            "log": {"format": "json", "level": "info"},
        }
        for name, values in more.items():
            sections.setdefault(name, {}).update(values)
        return "\n".join(
            "\n".join([f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())])
            for name, values in sections.items()
        )

    def _answers(self) -> bool:
        for path in (self.control_socket, self.admin_socket):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
                if probe.connect_ex(str(path)) != 0:
                    return False
        return True

    def ctl(self, *words: str) -> str:
        """Run `epcscfctl` with these words; return what it prints.

        Raise RuntimeError, with all that it printed, if it fails.
        """
        command = [str(PROGRAMS / "epcscfctl"), "--socket", str(self.admin_socket), *words]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", check=False, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ctl_json(self, *words: str) -> Any:
        """Run `epcscfctl --output json` and return what it says."""
        return json.loads(self.ctl("--output", "json", *words))

    def events(self, name: str, since: int = 0) -> list[dict[str, Any]]:
        """Return the log lines of this event, after the mark *since*."""
        lines = (json.loads(line) for line in self.log.lines(since) if line.startswith("{"))
        return [line for line in lines if line.get("event") == name]
