"""The kept OpenAPI file of the WAF, read once for all tests that hold answers against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemathesis
import yaml

from epcscfd.waf import metadata


CONTRACT: dict[str, Any] = yaml.safe_load(
    Path(metadata.__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
)
SCHEMA = schemathesis.openapi.from_dict(CONTRACT)
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]


def conforms(path: str, method: str, response: Any) -> None:
    """Check that *response* is one that the contract has for this operation."""
    assert str(response.status_code) in CONTRACT["paths"][path][method.lower()]["responses"]
    SCHEMA[path][method].validate_response(response)
