"""Failures: one line that says what is wrong and what to do next, and a stable exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click
import grpc

from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types


if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf import any_pb2


EXIT_FAILED = 1
EXIT_NOT_FOUND = 3
EXIT_CONFLICT = 4
EXIT_INVALID = 5
EXIT_UNAVAILABLE = 6
EXIT_FORBIDDEN = 7
EXIT_UNCONFIRMED = 8
"Done, but some edge has not confirmed it yet."

FAILURES: dict[grpc.StatusCode, tuple[int, str]] = {
    grpc.StatusCode.INVALID_ARGUMENT: (EXIT_INVALID, "correct it and try again"),
    grpc.StatusCode.NOT_FOUND: (EXIT_NOT_FOUND, "`list` shows what there is"),
    grpc.StatusCode.ALREADY_EXISTS: (EXIT_CONFLICT, "`update` changes what there is"),
    grpc.StatusCode.ABORTED: (EXIT_CONFLICT, "read it again, then repeat the change"),
    grpc.StatusCode.FAILED_PRECONDITION: (EXIT_CONFLICT, "change the other one first"),
    grpc.StatusCode.OUT_OF_RANGE: (
        EXIT_NOT_FOUND,
        "see what is registered now, then begin anew without a cursor",
    ),
    grpc.StatusCode.UNAVAILABLE: (
        EXIT_UNAVAILABLE,
        "see whether epcscfd runs, and whether --socket is its admin socket that you may open",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (EXIT_UNAVAILABLE, "see the log of epcscfd"),
    grpc.StatusCode.PERMISSION_DENIED: (EXIT_FORBIDDEN, "ask who runs this node"),
    grpc.StatusCode.UNAUTHENTICATED: (EXIT_FORBIDDEN, "show a client certificate"),
}
HOLDERS = {"RESOURCE_EXISTS": "name", "RANGE_OVERLAP": "wwsf"}
"By reason: the metadata that says whose it is already."

OTHER = (EXIT_FAILED, "see the log of epcscfd")


class Failure(click.ClickException):
    """Ends the run with *status* after one line."""

    def __init__(self, message: str, status: int = EXIT_FAILED) -> None:
        super().__init__(" ".join(message.split()))
        self.status = status

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click has a class variable here
        """Give click the exit status."""
        return self.status


def holder_in(error: grpc.RpcError) -> str:
    """Name the resource that has what another was to get. Empty: that is not what went wrong."""
    status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    info = error_details_pb2.ErrorInfo()
    details: Iterable[any_pb2.Any] = status.details if status else ()
    for detail in details:
        detail.Unpack(info)
    return str(info.metadata.get(HOLDERS.get(info.reason, ""), ""))


def fail(error: grpc.RpcError) -> NoReturn:
    """End the run for *error*."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    status, advice = FAILURES.get(code, OTHER)
    details = (error.details() if isinstance(error, grpc.Call) else "") or code.value[1]
    raise Failure(f"{details} ({code.value[1]}): {advice}", status) from None
