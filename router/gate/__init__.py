"""Whether one policy may follow another: accept, reject, or inconclusive. Pure.

Start at `gating.gate` (what is run, and what is asked of it), then `criterion` (how three answers become one), `paired`
(by how much two policies differ, and how sure that is) and `promises` (what must not be broken)."""
