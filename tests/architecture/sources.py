"""The files of the project, for tests that look at all of them."""

from __future__ import annotations

import ast
import functools
import subprocess

from dataclasses import dataclass
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def files() -> tuple[str, ...]:
    """Paths from the root of all files that are part of the project, or would be if committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(path for path in listed.split("\0") if (ROOT / path).is_file()))


def text_of(path: str) -> str:
    """Content of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Source:
    """A Python file."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


@functools.cache
def python() -> tuple[Source, ...]:
    """All Python files of the project."""
    return tuple(Source(path, text_of(path)) for path in files() if path.endswith(".py"))


def python_under(*folders: str) -> list[Source]:
    """Python files of the given folders, which must be there."""
    found = [source for source in python() if source.path.startswith(folders)]
    assert found, f"no Python under {folders}"
    return found
