"""JWKS files beside the sidecar, read again when they change.

What cannot be read is not trusted: a file that is gone or broken takes its keys with it,
until it is whole again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from epcscfd.ports import Clock, KeyFetch, KeyWatch
from epcscfd.tokens.keys import LARGEST_KEY_SET, KeySet, KeysRefused
from epcscfd.tokens.lookup import Found, Unreachable


LOOK_EVERY_SECONDS = 1.0
"How long a changed file may go unnoticed."

_Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Reading:
    version: _Version | None
    "None: there was nothing to read."
    keys: KeySet | Unreachable
    looked_at: float


class JwksFiles:
    """Key sets by path."""

    def __init__(self, clock: Clock, watch: KeyWatch) -> None:
        self._clock = clock
        self._watch = watch
        self._readings: dict[str, _Reading] = {}

    def find(self, path: str, kid: str | None, algorithm: str) -> Found:
        """Search the keys of the file at *path*. Reads it, if it has changed."""
        keys = self._current(path).keys
        return keys if isinstance(keys, Unreachable) else keys.find(kid, algorithm)

    def expire(self) -> None:
        """Have everything read again when it is next needed."""
        self._readings.clear()

    def _current(self, path: str) -> _Reading:
        reading, now = self._readings.get(path), self._clock.monotonic()
        if reading and now - reading.looked_at < LOOK_EVERY_SECONDS:
            return reading
        version = _version(path)
        if reading and reading.version == version:
            reading = _Reading(version, reading.keys, now)
        else:
            reading = _Reading(version, self._read(path), now)
        self._readings[path] = reading
        return reading

    def _read(self, path: str) -> KeySet | Unreachable:
        try:
            with Path(path).open("rb") as file:
                keys = KeySet.from_jwks(file.read(LARGEST_KEY_SET + 1))
        except OSError as error:
            return self._unreachable(path, KeyFetch.FAILED, error.strerror or "unreadable")
        except KeysRefused as error:
            return self._unreachable(path, KeyFetch.REFUSED, str(error))
        self._watch.keys_fetched(path, KeyFetch.FETCHED, "")
        return keys

    def _unreachable(self, path: str, outcome: KeyFetch, why: str) -> Unreachable:
        self._watch.keys_fetched(path, outcome, why)
        return Unreachable(why)


def _version(path: str) -> _Version | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
