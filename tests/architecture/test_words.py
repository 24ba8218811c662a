"""The words of docs/glossary.md are used, and those it advises against are not."""

from __future__ import annotations

import ast
import re

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tests.architecture.sources import Source, files, python_under


if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("sidecar/", "kemi/", "lab/", "tools/", "bench/", "demo/")

INSTEAD_OF = {
    "aor": "impu",
    "blacklist": "barred",
    "blacklisted": "barred",
    "customer": "wwsf",
    "glob": "wildcard",
    "idp": "waf",
    "mutation": "rewrite",
    "tenant": "wwsf",
    "whitelist": "admitted",
    "gateway": "epcscf",
}
"Words that mean something else to a reader of the standards, and the ones that we use."

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
"Names of files that say nothing about what is inside."


def names_in(source: Source) -> Iterator[str]:
    """All names that *source* gives."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(name: str) -> set[str]:
    """Parts of a name, in lower case: `parse_WwsfId` has three."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {part.lower() for part in parts} | {part.lower().removesuffix("s") for part in parts}


def test_names_are_of_the_glossary() -> None:
    wrong = [
        f"{source.path}: {name}, say {INSTEAD_OF[word]}"
        for source in python_under(*PROGRAMS)
        for name in names_in(source)
        for word in words_of(name) & INSTEAD_OF.keys()
    ]

    assert wrong == []


def test_files_are_named_after_what_they_hold() -> None:
    assert [path for path in files() if PurePosixPath(path).stem in EMPTY_NAMES] == []


def test_fakes_stand_in_for_the_world_and_mocks_do_not() -> None:
    mocks = [
        f"{source.path}:{node.lineno}"
        for source in python_under("tests/", *PROGRAMS)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and "mock" in ast.unparse(node)
    ]

    assert mocks == []
