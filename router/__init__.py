"""Decides, for one request and at that moment, which target answers it, in what order, and why. Values in, values out.

Start at `choosing.engine.decide` (one decision), `running.attempt.step` (the running of it) and
`rules.compile.compile_policy` (the document it obeys). Nothing here reads a clock, draws chance or touches the world;
`router.cli` alone does, for people."""

# edge_agent checks at import that the `router` it found is this one, and not an app's own module of that name.
__nearfar__ = "nearfar"
