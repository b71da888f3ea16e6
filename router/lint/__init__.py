"""What an author should look at in a policy that is valid: see whole.py.

rooms.py and holding.py say where a condition can hold, standing.py which rules apply whenever another does, together.py
which contradict each other."""

from router.lint.whole import LintWarning, lint

__all__ = ["LintWarning", "lint"]
