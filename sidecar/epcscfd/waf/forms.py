"""Parameters of requests: bounded, and each at most once (RFC 6749 3.1, 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl


if TYPE_CHECKING:
    from starlette.requests import Request

LARGEST_BODY = 64 * 1024
"Bytes; two assertions of the longest kind fit."

MOST_PARAMETERS = 50

FORM = "application/x-www-form-urlencoded"


class Malformed(ValueError):  # noqa: N818 - named for what is wrong
    """The parameters cannot be read in one way only."""


class TooLarge(ValueError):  # noqa: N818 - named for what is wrong
    """The body is longer than anything that we are sent."""


async def read_form(request: Request) -> dict[str, str]:
    """Read the parameters in the body. Raise Malformed or TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Malformed(f"the content type is not {FORM}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise TooLarge
    return read_parameters(bytes(body))


def read_parameters(encoded: bytes) -> dict[str, str]:
    """Read parameters. Raise Malformed."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(encoded),
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as error:
        # Its message quotes what may be a secret.
        raise Malformed("not form-encoded UTF-8, or too many parameters") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Malformed("a parameter comes twice")
    # RFC 6749 3.1: without a value it is as if it were not there.
    return {name: value for name, value in parameters.items() if value}
