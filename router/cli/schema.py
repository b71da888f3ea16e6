"""`nearfar-policy schema`."""

from __future__ import annotations

import argparse
import json

from router.document import json_schema

__all__ = ["schema"]


def schema(given: argparse.Namespace) -> int:
    """Print the document's JSON Schema."""
    del given
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
