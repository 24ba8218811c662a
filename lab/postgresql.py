"""A PostgreSQL as a child process: a cluster of its own, on a Unix socket, for as long as it runs.

    with PostgreSql(directory) as server:
        server.create("policy")
        server.url("policy")    # as for `store.url`

It refuses to run as root, and then is run as the user of its Debian package.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from pathlib import Path

import psycopg

from psycopg import sql

from lab.child import Child
from lab.logfile import LogFile


PROGRAMS = Path("/usr/lib/postgresql")
"Of Debian: a folder for each version."
ROLE = "epcscf"
USER = "postgres"
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"What is in it need not outlive a loss of power."


class PostgreSql(Child):
    """One cluster in *directory*, which is its own and which its user must be able to reach."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._programs = max(PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name))
        settings = (f"unix_socket_directories={directory}", "listen_addresses=", *CARELESS)
        command = (
            *_as_its_user(),
            # again, since whoever becomes another user has lost it
            *("setpriv", "--pdeathsig", "TERM"),
            *(str(self._programs / "postgres"), "-D", str(directory / "data")),
            *(word for setting in settings for word in ("-c", setting)),
        )
        # the cluster's folder may belong to another user, the log is ours
        log = LogFile(directory.with_suffix(".log"))
        super().__init__("postgresql", command, log, self._answers)

    def spawn(self) -> None:
        """Make the cluster, unless there is one, and start it; see Child."""
        if not (self._directory / "data").exists():
            if os.geteuid() == 0:
                shutil.chown(self._directory, USER, USER)
            words = ("-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            self._run("initdb", "-D", str(self._directory / "data"), *words)
        super().spawn()

    def create(self, database: str, template: str = "template1") -> None:
        """Make a database, a copy of *template*. Raise psycopg.Error if that fails."""
        names = map(sql.Identifier, (database, template))
        with psycopg.connect(
            host=str(self._directory), user=ROLE, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))

    def url(self, database: str) -> str:
        """Return what SQLAlchemy calls the database."""
        return f"postgresql+psycopg://{ROLE}@/{database}?host={self._directory}"

    def _answers(self) -> bool:
        words = ("-q", "-h", str(self._directory), "-d", "postgres", "-U", ROLE)
        asked = subprocess.run([str(self._programs / "pg_isready"), *words], check=False)
        return asked.returncode == 0

    def _run(self, program: str, *words: str) -> None:
        command = [*_as_its_user(), str(self._programs / program), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)


def _as_its_user() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--reuid", USER, "--regid", USER, "--init-groups")
