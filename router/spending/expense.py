"""What one request took: beside who answered it what estimates of other policies go by. A value."""

from __future__ import annotations

from router.values import value

__all__ = ["Expense"]


@value
class Expense:
    """Of one request, until its answer was there: what was cancelled as well, and without an audit, which is asked of
    requests whatever is chosen for them.

    `joules` is as in the receipt, `usd` what the policy in force says that calls cost."""

    joules: float
    usd: float
    sent_bytes: int
    received_bytes: int
