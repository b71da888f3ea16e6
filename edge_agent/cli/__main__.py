"""`python -m edge_agent.cli`, where the command is not on the path."""

from __future__ import annotations

import sys

from edge_agent.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
