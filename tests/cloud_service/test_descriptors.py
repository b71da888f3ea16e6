"""Connections are files, and the service may have as many as it is allowed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cloud_service.descriptors import raise_limit
from tests.builders.onnx_models import identity
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository


@pytest.mark.parametrize(
    ("limits", "takes", "put"),
    [
        pytest.param((1024, 4096), 1 << 20, [(4096, 4096)], id="as many as are allowed"),
        pytest.param((1024, -1), 1 << 20, [(65_536, -1)], id="no limit above it"),
        pytest.param((256, sys.maxsize), 10_240, [(65_536, sys.maxsize), (10_240, sys.maxsize)], id="macos"),
        pytest.param((256, -1), 256, [(65_536, -1), (10_240, -1)], id="none that is taken"),
        pytest.param((65_536, -1), 1 << 20, [], id="enough"),
        pytest.param((20_000, -1), 10_240, [(65_536, -1)], id="never lower than it was"),
        pytest.param((-1, -1), 1 << 20, [], id="no limit at all"),
    ],
)
def test_the_limit_is_raised_as_far_as_the_system_takes_it(
    limits: tuple[int, int], takes: int, put: list[tuple[int, int]]
) -> None:
    """macOS, which takes less than it says, was left with the 256 that it starts programs with."""
    tried: list[tuple[int, int]] = []

    def system(wanted: tuple[int, int]) -> None:
        tried.append(wanted)
        if wanted[0] > takes:
            raise ValueError

    raise_limit(limits, system)
    assert tried == put


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(("hard", "holds"), [(512, 512), (2048, 2048)])
def test_a_low_limit_on_open_files_is_raised_to_what_is_allowed(tmp_path: Path, hard: int, holds: int) -> None:
    """As many connections as the limit that holds by itself shut out everybody, probes among them."""
    low = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))"
    launch = ("-c", f"{low}; import sys; from cloud_service.cli import main; sys.exit(main())")
    with cloud_process(write_repository(tmp_path, {"same": identity()}), launch=launch) as cloud:
        assert f"process_max_fds {holds}.0" in cloud.http("/metrics").body.decode().splitlines()
