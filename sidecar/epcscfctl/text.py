"""Resources as text: read from TOML or JSON, written as tables or JSON.

In a file an operator may write what is short and plain: `shop` for `wwsfs/shop`, `third-party`
for `THIRD_PARTY`, and `pem_file` or `jwks_file` for keys that lie beside the file.
"""

from __future__ import annotations

import json
import tomllib

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from epcscfctl.failures import EXIT_INVALID, Failure


if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

    from epcscfctl.kinds import Kind

Fields = dict[str, Any]

BOOKKEEPING = ("create_time", "update_time", "etag")


def read_file(path: Path) -> Fields:
    """Read *path* as TOML, or as JSON if it is called so."""
    try:
        text = path.read_text(encoding="utf-8")
        fields = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}", EXIT_INVALID) from None
    if not isinstance(fields, dict):
        raise Failure(f"{path}: must be an object", EXIT_INVALID)
    return fields


def to_message(kind: Kind, key: str, fields: Fields, beside: Path) -> Any:
    """Make a message of *fields*; files that they name are *beside*."""
    prepared = _with_choices(kind.message.DESCRIPTOR, fields)
    for field, collection in kind.references.items():
        value = prepared.get(field)
        if isinstance(value, list):
            prepared[field] = [_named(collection, each) for each in value]
        elif value:
            prepared[field] = _named(collection, value)
    prepared["name"] = kind.name(key)
    if isinstance(prepared.get("keys"), dict):
        prepared["keys"] = _keys(dict(prepared["keys"]), beside)
    if "jwks_file" in prepared:
        prepared["jwks"] = _text_of(beside / prepared.pop("jwks_file"))
    message = kind.message()
    try:
        ParseDict(prepared, message)
    except ParseError as error:
        raise Failure(f"{kind.name(key)}: {error}", EXIT_INVALID) from None
    return message


def _named(collection: str, key: Any) -> Any:
    start = f"{collection}/"
    return key if str(key).startswith(start) else f"{start}{key}"


def _with_choices(descriptor: Descriptor, fields: Fields) -> Fields:
    """Give *fields* of *descriptor* with choices as the contract writes them, at any depth."""
    return {name: _choice(descriptor.fields_by_name.get(name), fields[name]) for name in fields}


def _choice(field: FieldDescriptor | None, value: Any) -> Any:
    if field is None:
        return value
    if isinstance(value, list):
        return [_choice(field, each) for each in value]
    if isinstance(value, dict) and field.message_type is not None:
        return _with_choices(field.message_type, value)
    if field.enum_type is not None:
        return str(value).upper().replace("-", "_")
    return value


def _keys(keys: Fields, beside: Path) -> Fields:
    if "pem_file" in keys:
        keys["pem"] = _text_of(beside / keys.pop("pem_file"))
    return keys


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: {error}", EXIT_INVALID) from None


def to_fields(message: Message) -> Fields:
    """Give the fields of *message* under the names of the contract."""
    fields: Fields = MessageToDict(message, preserving_proto_field_name=True)
    return fields


def content(message: Message) -> Fields:
    """Give the fields that an operator sets, by path: `pool.impis`."""
    flat: Fields = {}
    for field, value in to_fields(message).items():
        if isinstance(value, dict):
            flat.update({f"{field}.{inner}": each for inner, each in value.items()})
        elif field not in BOOKKEEPING:
            flat[field] = value
    del flat["name"]
    return flat


def shown(value: Any) -> str:
    """Show *value* in a table."""
    if isinstance(value, list):
        return "\n".join(map(shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "  ".join(f"{field}={shown(each)}" for field, each in value.items())
    return str(value)


def to_json(value: Any) -> str:
    """Write *value* for programs."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
