"""See the package."""

from __future__ import annotations

import sys

from benchmarks.routing.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
