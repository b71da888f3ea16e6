"""`nearfar-policy schema`."""

from __future__ import annotations

import argparse
import json
from typing import Final

from router.cli.outputs import STDOUT, write
from router.document import json_schema as policy_schema
from router.simulate.document.schema import DOCUMENTS
from router.simulate.document.schema import json_schema as simulation_schema

__all__ = ["KINDS", "schema"]

_POLICY: Final = "policy"
KINDS: Final = (_POLICY, *DOCUMENTS)
"""The documents that there are."""


def schema(given: argparse.Namespace) -> int:
    """Print a document's JSON Schema."""
    told = policy_schema() if given.of == _POLICY else simulation_schema(given.of)
    write(STDOUT, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return 0
