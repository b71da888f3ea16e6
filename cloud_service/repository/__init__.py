"""Models on disk: what lies there (scan, sighting), how it is to be served (serving), what to do about it (plan and
memory, pure), how files become a version that can answer (files, load, golden, trial), and who does it (control)."""
