"""The JSON Schemas of scenarios, and of the catalogue's documents, for editors and other tools."""

from __future__ import annotations

from typing import Any, Final

from router.document.form import Part
from router.document.schema import described
from router.simulate.document.catalogue import DeviceDocument, RadioDocument, ServerDocument
from router.simulate.document.whole import ScenarioDocument

__all__ = ["DOCUMENTS", "json_schema"]

DOCUMENTS: Final[dict[str, type[Part]]] = {
    "scenario": ScenarioDocument,
    "device": DeviceDocument,
    "radio": RadioDocument,
    "server": ServerDocument,
}


def json_schema(kind: str) -> dict[str, Any]:  # Any: a JSON document
    """Return the schema of one kind of DOCUMENTS."""
    return described(DOCUMENTS[kind], f"nearfar {kind}")
