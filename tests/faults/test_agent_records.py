"""Group A of the faults, for decision records: a disk that fills up costs records, and never an answer or a line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from router.telling.record import from_json
from tests.docs.desk import python_environment

# A file that may not grow beyond its limit takes the beginning of a line, as a disk that is full does.
_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from edge_agent.telemetry.record_log import RecordLog
from router.rules.compile import built_in_policy
from router.choosing.engine import decide
from tests.router.situations import situation

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, lines = Path(sys.argv[1]), {"written": 0, "dropped": 0}
def told(outcome, count): lines[outcome] += count
log = RecordLog(path, 1 << 30, told)
log.close()
decision = decide(built_in_policy(), situation())
def write(count):
    for _ in range(count):
        log.add(decision, None)
        log._write()
write(2)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
write(3)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
write(1)
print(lines["written"], lines["dropped"])
"""


@pytest.mark.wide
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file there")
def test_a_disk_that_is_full_for_a_while_leaves_no_torn_line(tmp_path: Path) -> None:
    """The torn beginning of a line was left there, and the next one was appended to it."""
    path = tmp_path / "records.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path)],
        env=python_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["3", "3"]
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 3
    for line in lines:
        from_json(line)
