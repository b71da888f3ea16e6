from __future__ import annotations

import json
from pathlib import Path

from edge_agent.demo.outcomes import PhaseStats
from edge_agent.demo.summary import write_summary


def test_the_file_holds_phases_in_order_and_baselines_by_name(tmp_path: Path) -> None:
    phases = [PhaseStats(name).summary(bytes_sent=0) for name in ("good network", "secret")]
    baseline = PhaseStats("always device").summary(bytes_sent=0)
    write_summary(tmp_path / "out.json", phases, {"always_device": baseline}, {"margin": 0.5})
    document = json.loads((tmp_path / "out.json").read_text())
    assert [phase["name"] for phase in document["phases"]] == ["good network", "secret"]
    assert document["baselines"] == {"always_device": baseline.as_json()}
    assert document["margin"] == 0.5
