"""`nearfar-policy`: check a policy, see what it would decide, replay what was decided under another one.

The only room of the router that reads files and writes to a terminal; nothing imports it."""

from router.cli.command import main

__all__ = ["main"]
