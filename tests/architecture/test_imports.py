"""Who may know whom: the layers of the sidecar, and what each may use from outside."""

from __future__ import annotations

import ast
import sys

from typing import TYPE_CHECKING

from importlinter.cli import lint_imports

from tests.architecture.sources import ROOT, Source, python_under


if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

SIDECAR = "sidecar/epcscfd/"
GENERATED = "epcscf"

MAY_USE = {
    "alembic": ("store/",),
    "argon2": ("directory/",),
    "click": ("main",),
    "cryptography": ("tokens/",),
    GENERATED: ("rpc/",),
    "google": ("rpc/",),
    "grpc": ("rpc/",),
    "grpc_health": ("rpc/",),
    "grpc_reflection": ("rpc/",),
    "grpc_status": ("rpc/",),
    "httpx2": ("tokens/", "webhooks/"),
    "jinja2": ("waf/",),
    "jwt": ("tokens/",),
    "ldap3": ("directory/",),
    "msgspec": ("settings.py", "telemetry/", "tokens/"),
    "prometheus_client": ("telemetry/", "main"),
    "re2": ("domain/wildcard.py",),
    "sqlalchemy": ("store/",),
    "starlette": ("waf/", "main"),
    "structlog": ("telemetry/", "main"),
    "uvicorn": ("waf/",),
}
"What of the sidecar may use a package that is neither its own nor Python's."

COMMAND_LINE_USES = {
    *("click", "rich"),
    *(GENERATED, "google", "grpc", "grpc_health", "grpc_status"),
}

NOT_IN_DOMAIN = {"asyncio", "logging", "os", "pathlib", "secrets", "socket", "random", "time"}
"Time, keys and randomness are arguments there, and nothing waits."

CLOCKS = {"now", "utcnow", "today"}


def imports_of(source: Source) -> Iterator[str]:
    """Full names of the modules that *source* imports."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_layers_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)

    assert status == 0, capsys.readouterr().out


def test_packages_from_outside_stay_where_they_belong() -> None:
    ours = {"epcscfd", *sys.stdlib_module_names}
    strays = [
        f"{source.path}: {module}"
        for source in python_under(SIDECAR)
        for module in imports_of(source)
        if (package := module.partition(".")[0]) not in ours
        and not source.path.removeprefix(SIDECAR).startswith(MAY_USE.get(package, ()))
    ]

    assert strays == []


def test_the_domain_imports_itself_and_a_quiet_part_of_python() -> None:
    strays = [
        f"{source.path}: {module}"
        for source in python_under(f"{SIDECAR}domain/")
        for module in imports_of(source)
        if module.partition(".")[0] in NOT_IN_DOMAIN
        or (module.startswith("epcscfd") and not module.startswith("epcscfd.domain"))
    ]

    assert strays == []


def test_the_domain_neither_waits_nor_looks_at_a_clock() -> None:
    waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
    strays = [
        f"{source.path}: {ast.unparse(node)}"
        for source in python_under(f"{SIDECAR}domain/")
        for node in ast.walk(source.tree)
        if isinstance(node, waiting) or reads_a_clock(node)
    ]

    assert strays == []


def reads_a_clock(node: ast.AST) -> bool:
    """Tell whether *node* is a call such as `datetime.now()`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in CLOCKS


def test_the_command_line_is_a_client_and_nothing_else() -> None:
    allowed = {"epcscfctl", *COMMAND_LINE_USES, *sys.stdlib_module_names}
    strays = [
        f"{source.path}: {module}"
        for source in python_under("sidecar/epcscfctl/")
        for module in imports_of(source)
        if module.partition(".")[0] not in allowed
    ]

    assert strays == []
