"""Connections are files, and the service may have as many as it is allowed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.builders.onnx_models import identity
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(("hard", "holds"), [(512, 512), (2048, 2048)])
def test_a_low_limit_on_open_files_is_raised_to_what_is_allowed(tmp_path: Path, hard: int, holds: int) -> None:
    """As many connections as the limit that holds by itself shut out everybody, probes among them."""
    low = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))"
    launch = ("-c", f"{low}; import sys; from cloud_service.cli import main; sys.exit(main())")
    with cloud_process(write_repository(tmp_path, {"same": identity()}), launch=launch) as cloud:
        assert f"process_max_fds {holds}.0" in cloud.http("/metrics").body.decode().splitlines()
