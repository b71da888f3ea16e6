"""Calls that run together: what is measured of a model, which calls run next (pure), and the shell that runs them."""
