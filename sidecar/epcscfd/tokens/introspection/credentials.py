"""Credentials of ours: what proves to an authorization entity who asks it.

The policy has their names only. Under its name a credential lies in a file of one directory or,
for a secret, in a variable of the environment; no name leads anywhere else. They are read when
they are needed, so that a new one is in use at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


VARIABLE_PREFIX = "EPCSCF_SECRET_"

LARGEST_CREDENTIAL = 64 * 1024
"Bytes; a certificate with its chain and its key takes a few thousand."


class CredentialMissing(Exception):  # noqa: N818 - named for what is wrong
    """There is nothing under that name that could be used."""


class CredentialStore:
    """Finds credentials by name."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment

    def path(self, name: str) -> Path:
        """Tell where the file of *name* is. Raise CredentialMissing if it is not there."""
        path = self._directory / name
        if not path.is_file():
            raise CredentialMissing(f"there is no file {path}")
        return path

    def text(self, name: str) -> str:
        """Give the credential *name* without line end. Raise CredentialMissing."""
        variable = VARIABLE_PREFIX + name.upper().replace("-", "_")
        if variable in self._environment:
            return self._environment[variable]
        path = self.path(name)
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(LARGEST_CREDENTIAL).rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise CredentialMissing(f"{path} cannot be read") from None
        if not text:
            raise CredentialMissing(f"{path} is empty")
        return text
