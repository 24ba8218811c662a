"""JWKS files, read again when they change."""

from __future__ import annotations

import os

import pytest

from epcscfd.ports import KeyFetch
from epcscfd.tokens.jwks_file import JwksFiles
from epcscfd.tokens.lookup import Unreachable
from tests.vectors.signing import an_ec_key, jwks


EC, EC2 = an_ec_key(), an_ec_key("ec-2", seed=2)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks(EC))
    return path


@pytest.fixture
def files(clock, watch):
    return JwksFiles(clock, watch)


@pytest.fixture
def find(files, path):
    def names():
        found = files.find(str(path), None, "ES256")
        return found.why if isinstance(found, Unreachable) else [key.kid for key in found]

    return names


def test_a_file_is_read_once_while_it_does_not_change(find, clock, watch):
    for _ in range(5):
        assert find() == ["ec-1"]
        clock.advance(1)

    assert watch.outcomes == [KeyFetch.FETCHED]


def test_a_file_that_changes_is_read_again(find, path, clock):
    find()
    path.write_bytes(jwks(EC2))

    assert find() == ["ec-1"]
    clock.advance(1)
    assert find() == ["ec-2"]


def test_a_file_that_is_replaced_is_read_again(find, path, clock, tmp_path):
    find()
    successor = tmp_path / "next.json"
    successor.write_bytes(jwks(EC2))
    # Same size, same time: only the file itself is another one.
    os.utime(successor, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    successor.replace(path)
    clock.advance(1)

    assert find() == ["ec-2"]


def test_a_file_that_is_gone_takes_its_keys_along(find, path, clock, watch):
    find()
    path.unlink()
    clock.advance(1)

    assert find() == "No such file or directory"
    assert watch.outcomes[-1] is KeyFetch.FAILED


def test_a_file_that_comes_back_brings_its_keys(find, path, clock):
    path.unlink()
    find()
    path.write_bytes(jwks(EC))
    clock.advance(1)

    assert find() == ["ec-1"]


@pytest.mark.parametrize("content", [b"", b"{", jwks(EC) + b" " * 262_144])
def test_a_file_that_is_no_key_set_has_no_keys(content, find, path, clock, watch):
    find()
    path.write_bytes(content)
    clock.advance(1)

    assert isinstance(find(), str)
    assert watch.outcomes[-1] is KeyFetch.REFUSED


def test_a_folder_is_no_file(files, tmp_path):
    assert Unreachable("Is a directory") == files.find(str(tmp_path), None, "ES256")


def test_what_has_been_read_can_be_forgotten_at_once(find, files, path):
    find()
    path.write_bytes(jwks(EC2))
    files.expire()

    assert find() == ["ec-2"]
