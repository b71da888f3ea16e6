"""Joules, dollars and bytes: what a call takes of them, what budgets leave, and when the radio sleeps. Pure."""
