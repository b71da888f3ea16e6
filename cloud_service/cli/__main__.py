"""`python -m cloud_service.cli`, where the command is not on the path."""

from __future__ import annotations

import sys

from cloud_service.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
