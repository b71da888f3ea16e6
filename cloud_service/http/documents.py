"""A message of the protocol as JSON, as Triton writes it over REST: each field by its name, also where it is 0, numbers
as numbers and enums by name. Of a choice there is what was chosen. Pure."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

__all__ = ["document_of"]


def document_of(message: Message) -> dict[str, Any]:  # Any: JSON
    """Return a message's JSON object. Of bytes there are none in what is told so."""
    document: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            document[field.name] = {key: _value(kind.fields_by_name["value"], value[key]) for key in value}
        elif field.is_repeated:
            document[field.name] = [_value(field, each) for each in value]
        elif not field.has_presence or message.HasField(field.name):
            document[field.name] = _value(field, value)
    return document


def _value(field: Any, value: Any) -> Any:  # Any: protobuf has a field's class twice, and the value is as it says
    if field.message_type is not None:
        return document_of(value)
    return value if field.enum_type is None else field.enum_type.values_by_number[value].name
