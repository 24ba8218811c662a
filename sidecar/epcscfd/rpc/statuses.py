"""The one table from breakdowns to gRPC statuses, and the one place where it is applied.

Every error carries a google.rpc.ErrorInfo (google.aip.dev/193): reason, domain, and what the
reason's comment in the contract promises as metadata. An exception that is not in the table is
a bug: the caller learns no more than that, the log gets the traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from google.protobuf import any_pb2
from google.rpc import (  # type: ignore[import-untyped]  # ships no types
    code_pb2,
    error_details_pb2,
    status_pb2,
)
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from epcscf.admin.v1 import error_reason_pb2 as reasons
from epcscfd.errors import (
    AlreadyExists,
    CursorGone,
    InUse,
    InvalidArgument,
    NotFound,
    RangeOverlap,
    StaleEtag,
    Unavailable,
)


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ERROR_DOMAIN = "epcscf"

STATUSES: dict[type[Exception], tuple[int, reasons.ErrorReason.ValueType, tuple[str, ...]]] = {
    InvalidArgument: (code_pb2.INVALID_ARGUMENT, reasons.INVALID_FIELD, ("field", "why")),
    NotFound: (code_pb2.NOT_FOUND, reasons.RESOURCE_NOT_FOUND, ("name",)),
    AlreadyExists: (code_pb2.ALREADY_EXISTS, reasons.RESOURCE_EXISTS, ("name",)),
    StaleEtag: (code_pb2.ABORTED, reasons.ETAG_MISMATCH, ("name",)),
    InUse: (code_pb2.FAILED_PRECONDITION, reasons.RESOURCE_IN_USE, ("name", "by")),
    RangeOverlap: (
        code_pb2.FAILED_PRECONDITION,
        reasons.RANGE_OVERLAP,
        ("range", "other", "wwsf", "example"),
    ),
    CursorGone: (code_pb2.OUT_OF_RANGE, reasons.CURSOR_GONE, ("cursor",)),
    Unavailable: (code_pb2.UNAVAILABLE, reasons.DEPENDENCY_DOWN, ("dependency",)),
}
"""Class to status code, reason, and the attributes that become metadata."""

OUR_SERVICES = "/epcscf."
"Health and reflection have their own statuses."


def status_of(error: Exception) -> status_pb2.Status:
    """Say *error* to a caller."""
    if type(error) not in STATUSES:
        return status_pb2.Status(code=code_pb2.INTERNAL, message="internal error")
    code, reason, attributes = STATUSES[type(error)]
    info = error_details_pb2.ErrorInfo(
        reason=reasons.ErrorReason.Name(reason),
        domain=ERROR_DOMAIN,
        metadata={attribute: getattr(error, attribute) for attribute in attributes},
    )
    detail = any_pb2.Any()
    detail.Pack(info)
    return status_pb2.Status(code=code, message=str(error), details=[detail])


class ErrorStatuses(grpc.aio.ServerInterceptor):
    """Turns what escapes from our servicers into statuses."""

    def __init__(self, bug: Callable[[str, Exception], None]) -> None:
        self._bug = bug

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of the call."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(OUR_SERVICES):
            return handler
        serializers = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary is not None:
            wrapped = self._unary(method, handler.unary_unary)
            return grpc.unary_unary_rpc_method_handler(wrapped, *serializers)
        if handler.unary_stream is not None:
            wrapped = self._stream(method, handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(wrapped, *serializers)
        wrapped = self._stream(method, handler.stream_stream)
        return grpc.stream_stream_rpc_method_handler(wrapped, *serializers)

    def _unary(self, method: str, inner: Callable[..., Awaitable[Any]]) -> Any:
        async def answer(request: Any, context: Any) -> Any:
            try:
                return await inner(request, context)
            except Exception as error:  # noqa: BLE001 - the edge where breakdowns become statuses
                await self._abort(context, method, error)

        return answer

    def _stream(self, method: str, inner: Callable[..., AsyncIterator[Any]]) -> Any:
        async def converse(requests: Any, context: Any) -> AsyncIterator[Any]:
            try:
                async for response in inner(requests, context):
                    yield response
            except Exception as error:  # noqa: BLE001 - the edge where breakdowns become statuses
                await self._abort(context, method, error)

        return converse

    async def _abort(self, context: Any, method: str, error: Exception) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        if type(error) not in STATUSES:
            self._bug(method, error)
        await context.abort_with_status(rpc_status.to_status(status_of(error)))
        raise AssertionError("abort_with_status raises")
