"""Decisions and policies told: why, what would have changed one, what differs between two, and as JSON. Pure."""
