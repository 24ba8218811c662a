"""The contracts: explained word by word, versioned, and never kept in generated form."""

from __future__ import annotations

import re

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc_tools  # type: ignore[import-untyped]  # ships no types
import pytest

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

from tests.architecture.sources import ROOT, files


if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor_pb2 import FileDescriptorProto

PLAIN = {
    # The same in every interface of this kind: google.aip.dev 132, 134, 148, 154, 158, 163.
    *("name", "display_name", "create_time", "update_time", "etag"),
    *("page_size", "page_token", "next_page_token", "update_mask", "validate_only"),
    # docs/glossary.md explains them.
    *("wwsf", "impi", "impu"),
}
"Names of fields that need no comment."

LISTS: dict[type, dict[str, int]] = {
    ServiceDescriptorProto: {"method": 2},
    DescriptorProto: {"field": 2, "nested_type": 3, "enum_type": 4},
    EnumDescriptorProto: {"value": 2},
}
"What an element of a proto holds, with the numbers by which descriptor.proto finds it."


@dataclass(frozen=True)
class Element:
    """Something in a proto file that has a name."""

    path: tuple[int, ...]
    "Where it stands, in the numbers of descriptor.proto."
    name: str
    proto: Any


def elements(file: FileDescriptorProto) -> Iterator[Element]:
    """Walk through everything that has a name."""
    for attribute, number in (("service", 6), ("message_type", 4), ("enum_type", 5)):
        for index, proto in enumerate(getattr(file, attribute)):
            yield from _below(Element((number, index), f"{file.package}.{proto.name}", proto))


def _below(element: Element) -> Iterator[Element]:
    yield element
    for attribute, number in LISTS.get(type(element.proto), {}).items():
        for index, proto in enumerate(getattr(element.proto, attribute)):
            path = (*element.path, number, index)
            yield from _below(Element(path, f"{element.name}.{proto.name}", proto))


class Words:
    """The comments of a file, and what can do without one."""

    def __init__(self, file: FileDescriptorProto, resources: set[str]) -> None:
        locations = file.source_code_info.location
        self.comments = {
            tuple(each.path): each.leading_comments or each.trailing_comments for each in locations
        }
        methods = [method for service in file.service for method in service.method]
        carriers = {type_ for m in methods for type_ in (m.input_type, m.output_type)}
        self.carriers = {type_.removeprefix(".") for type_ in carriers}
        self.plain = PLAIN | resources

    def explain(self, element: Element) -> bool:
        """Tell whether a reader is told what *element* means."""
        if self.comments.get(element.path):
            return True
        if isinstance(element.proto, FieldDescriptorProto):
            return self._goes_without_saying(element.proto) or self._shares(element)
        if isinstance(element.proto, DescriptorProto):
            return element.name in self.carriers
        return element.name.endswith("_UNSPECIFIED") or self._shares(element)

    def _shares(self, element: Element) -> bool:
        """Tell whether the comment right before it, on a sibling or the parent, covers it too."""
        *parent, _, index = element.path
        before = (*element.path[:-1], index - 1) if index else tuple(parent)
        return bool(self.comments.get(before))

    def _goes_without_saying(self, field: FieldDescriptorProto) -> bool:
        """A field named after a message is explained there."""
        singular = re.sub("ies$", "y", field.name).removesuffix("s")
        names = {field.name, field.name.removesuffix("_id"), singular}
        return bool(names & self.plain)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    output = tmp_path_factory.mktemp("protos") / "descriptors"
    includes = [ROOT / "protos", Path(grpc_tools.__file__).parent / "_proto"]
    sources = [str(ROOT / path) for path in files() if path.endswith(".proto")]
    options = ["--include_source_info", f"--descriptor_set_out={output}"]

    assert protoc.main(["protoc", *(f"-I{path}" for path in includes), *options, *sources]) == 0
    return list(FileDescriptorSet.FromString(output.read_bytes()).file)


def test_everything_is_explained(contracts: list[FileDescriptorProto]) -> None:
    messages = {snake(message.name) for file in contracts for message in file.message_type}
    gaps = [
        element.name
        for file in contracts
        for words in [Words(file, messages)]
        for element in elements(file)
        if not words.explain(element)
    ]

    assert gaps == []


def test_every_service_says_who_may_call(contracts: list[FileDescriptorProto]) -> None:
    silent = [
        service.name
        for file in contracts
        for index, service in enumerate(file.service)
        if not any("Callers" in comment for comment in comments_below(file, (6, index)))
    ]

    assert silent == []


def comments_below(file: FileDescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
    """Comments of the element at *path* and of all it holds."""
    for location in file.source_code_info.location:
        if tuple(location.path[: len(path)]) == path:
            yield location.leading_comments


def test_packages_are_versioned_and_lie_in_folders_of_their_name(
    contracts: list[FileDescriptorProto],
) -> None:
    for file in contracts:
        assert re.fullmatch(r"epcscf\.[a-z]+\.v\d+", file.package)
        assert file.name.rpartition("/")[0] == file.package.replace(".", "/")


def test_generated_code_is_not_kept() -> None:
    assert [path for path in files() if re.search(r"_pb2(_grpc)?\.pyi?$", path)] == []
