"""Write the two models that the other examples ask: `python examples/digits/make_release.py` (needs nearfar[demo]).

releases/digits/     the device's release, a model in int8
models/digits/1/     the cloud's repository, the full model"""

from __future__ import annotations

from pathlib import Path

from edge_agent.demo.release import make_release

HERE = Path(__file__).parent

if __name__ == "__main__":
    made = make_release(HERE)
    print(f"wrote {made.release.relative_to(HERE)} and {made.models.relative_to(HERE)}")
