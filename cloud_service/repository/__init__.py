"""Models on disk: where they lie (scan) and how a file becomes a version that can answer (load)."""
