"""A day in a device's life, played on real digits: `nearfar-agent demo`.

digits, models, release, trade_off   what is asked, what answers, and how certain an answer has to be
cloud                                the cloud service, as a process of its own
report                               the table that is shown while it runs

Needs the extra `nearfar[demo]`; nothing else in the package imports from here."""

from __future__ import annotations

__all__: list[str] = []
