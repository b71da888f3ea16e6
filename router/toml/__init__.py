"""TOML with its lines: where a fault is, and how to change values and leave all else as it was. Pure."""
