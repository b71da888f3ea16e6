"""A policy's numbers, searched for in simulation: which there are, how they are looked through, and what decides. Pure.

Start at `table.KNOBS` (what may be turned, and why so far), `search.search` (how), and `heldout.verdict` (whether what
was found is any better where nobody looked for it). Runs are made by whoever asks: see `search.Asked`."""
