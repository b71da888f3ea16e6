"""A day in a device's life, played on real digits: `nearfar-agent demo`.

digits, models, release, trade_off   what is asked, what answers, and how certain an answer has to be
cloud                                the cloud service, as a process of its own
documents                            the agent's configuration and the policies
day, play, outcomes                  what the phases are like, how one is played, and what it comes to
report, words, summary               the table while it runs, what was seen, and the file for programs
run, options                         all of it from end to end, and what it can be told

Needs the extra `nearfar[demo]`; nothing else in the package imports from here."""

from __future__ import annotations

__all__: list[str] = []
