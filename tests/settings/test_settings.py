"""Settings: nothing is guessed, and whatever is wrong is said with file, key and form."""

from __future__ import annotations

import tomllib

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from epcscfd.errors import ConfigError
from epcscfd.settings import Section, Settings, load_settings


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

LEAST = '[judge]\naudience = "epcscf.home1.net"\n'


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Settings]:
    def load(text: str = LEAST, **environment: str) -> Settings:
        path = tmp_path / "epcscfd.toml"
        path.write_text(text)
        return load_settings(path, environment)

    return load


def test_an_audience_is_all_that_is_needed(load: Callable[..., Settings]) -> None:
    settings = load()

    assert settings.judge.audience == "epcscf.home1.net"
    assert settings.judge.verdict_life_seconds == 900
    assert settings.store.url.startswith("sqlite+aiosqlite:///")
    assert settings.metrics.listen == ""
    assert settings.control.tcp is None


def test_the_environment_lies_over_the_file(load: Callable[..., Settings]) -> None:
    settings = load(
        LEAST + "skew_seconds = 10\n",
        EPCSCF_JUDGE__SKEW_SECONDS="20",
        EPCSCF_LOG__LEVEL="debug",
        EPCSCF_NODE__NAME="node7",
        PATH="/bin",
        EPCSCF_CONFIG="/etc/x",
    )

    assert settings.judge.skew_seconds == 20
    assert settings.log.level == "debug"
    assert settings.node.name == "node7"


def test_the_environment_alone_is_enough(load: Callable[..., Settings]) -> None:
    assert load("", EPCSCF_JUDGE__AUDIENCE="a").judge.audience == "a"


def test_listeners_on_the_network_can_be_set(
    load: Callable[..., Settings], tmp_path: Path
) -> None:
    for name in ("cert", "key", "ca"):
        (tmp_path / name).touch()
    settings = load(
        f'{LEAST}[control.tcp]\nlisten = "[::]:5061"\ncertificate_file = "{tmp_path}/cert"\n'
        f'key_file = "{tmp_path}/key"\nclient_ca_file = "{tmp_path}/ca"\n',
        EPCSCF_CONTROL__TCP__LISTEN="192.0.2.1:5062",
    )

    assert settings.control.tcp is not None
    assert settings.control.tcp.listen == "192.0.2.1:5062"


WRONG = [
    ("", "judge: is needed"),
    ("[judge]", "judge.audience: is needed"),
    (LEAST + "skw_seconds = 3", "judge.skw_seconds: no such setting"),
    (LEAST + "[jdge]\na = 1", "jdge: no such setting"),
    (LEAST + 'skew_seconds = "30"', "judge.skew_seconds: expected `int`"),
    (LEAST + "skew_seconds = 301", "judge.skew_seconds: expected `int` <= 300"),
    (LEAST + 'close_on_reject = "never"', "judge.close_on_reject: "),
    (LEAST + '[log]\nformat = "xml"', "log.format: "),
    (LEAST + '[control]\nsocket = "relative.sock"', "control.socket: "),
    (LEAST + f'[control]\nsocket = "/{"x" * 100}"', "control.socket: "),
    (LEAST + '[control]\nsocket = "/run/epcscf/admin.sock"', "admin.socket: "),
    (LEAST + '[control.tcp]\nlisten = ":1"', "control.tcp.listen: "),
    (LEAST + '[metrics]\nlisten = "everywhere"', "metrics.listen: "),
    (LEAST + "[keys]\nsoft_ttl_seconds = 90\nhard_ttl_seconds = 60", "keys.hard_ttl_seconds: "),
    (
        LEAST + "[store]\nfollow_seconds = 60\nmax_staleness_seconds = 60",
        "store.max_staleness_seconds: ",
    ),
    ("[judge", "is not TOML"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_what_is_wrong_is_said(load: Callable[..., Settings], text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)

    assert expected in str(caught.value)
    assert "epcscfd.toml: " in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("EPCSCF_JUDGE__SKW_SECONDS", "1", "no such setting: 'skw_seconds'"),
        ("EPCSCF_JDGE__AUDIENCE", "a", "no such setting: 'jdge'"),
        ("EPCSCF_JUDGE__SKEW_SECONDS__X", "1", "no such setting: 'x'"),
        ("EPCSCF_JUDGE__SKEW_SECONDS", "soon", "expected `int`"),
        ("EPCSCF_JUDGE__SKEW_SECONDS", "301", "expected `int` <= 300"),
    ],
)
def test_what_is_wrong_in_the_environment_is_said(
    load: Callable[..., Settings], variable: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**{variable: value})

    assert f"environment: {variable}: {expected}" in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "nothing.toml", {})


def test_a_certificate_that_cannot_be_read_is_said(load: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigError, match="/nowhere/cert cannot be read"):
        load(
            f'{LEAST}[admin.tcp]\nlisten = "[::]:5061"\ncertificate_file = "/nowhere/cert"\n'
            'key_file = "/nowhere/key"\nclient_ca_file = "/nowhere/ca"\n'
        )


def keys_of(struct: type[Section], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that can be set, with its default."""
    for each in msgspec.structs.fields(struct):
        types = [each.type, *getattr(each.type, "__args__", ())]
        section = next((t for t in types if isinstance(t, type) and issubclass(t, Section)), None)
        if section is None:
            yield f"{path}{each.name}", each.default
        else:
            yield from keys_of(section, f"{path}{each.name}.")


def test_the_annotated_file_names_every_key_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "epcscfd.toml").read_text("utf-8")
    table = ""
    said: dict[str, Any] = {}
    for line in text.splitlines():
        plain = line.removeprefix("#")
        if plain.startswith("["):
            table = plain.strip("[]") + "."
        elif " = " in plain and not plain.startswith(" "):
            said |= {table + key: value for key, value in tomllib.loads(plain).items()}

    assert said.keys() == dict(keys_of(Settings)).keys()
    for key, default in keys_of(Settings):
        if isinstance(default, str | int):
            assert said[key] == default, key
    load_settings(ROOT / "deploy" / "epcscfd.toml", {})
