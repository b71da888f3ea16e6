"""What an attempt's driver tells the machine, what it is told to do, and how an attempt ends. Values.

The driver carries out commands and feeds back events; attempt.py says what follows from what."""

from __future__ import annotations

from enum import StrEnum

from router.values import value

__all__ = [
    "Audit",
    "Cancel",
    "Cancelled",
    "Command",
    "Ending",
    "Event",
    "Failed",
    "Failure",
    "Finish",
    "Outcome",
    "Role",
    "Run",
    "Succeeded",
    "Wake",
    "Withheld",
    "Woke",
]


class Ending(StrEnum):
    """How an attempt can end."""

    ANSWERED = "answered"
    FAILED = "failed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """As what a target is asked."""

    LEG = "leg"
    BACKUP = "backup"
    """The device, beside a remote target, because the deadline is near."""
    HEDGE = "hedge"
    """Beside another one that is slow; a budget says how often."""
    RETRY = "retry"
    """Once more, after it could not be reached; a budget says how often."""
    ESCALATION = "escalation"


@value
class Failure:
    """One target's failure. `code` is a word of the error table; `detail` carries no input, output or foreign text."""

    target: str
    code: str
    detail: str = ""
    security: bool = False


# -- events: what the driver tells -------------------------------------------------------------------------------------


@value
class Succeeded:
    """`target` answered. `score` is the device's, None where none could be read. `covered`: whether the answer is of
    the very model that the certificate holds for right, which a remote target has to say."""

    target: str
    score: float | None = None
    covered: bool = False


@value
class Failed:
    """`target` will not answer.

    It may be asked again, if for nothing else, after `again_s`; None: not at all. `chance` is uniform in [0, 1): where
    in its range the pause before that falls."""

    failure: Failure
    again_s: float | None = None
    chance: float = 0.0


@value
class Withheld:
    """`target` was not asked: the budget for hedges, or for retries, is used up. Nothing was sent, nothing failed."""

    target: str


@value
class Woke:
    """The time asked for with Wake has come; harmless when it comes early, late or twice."""


@value
class Cancelled:
    """The caller no longer wants an answer."""


Event = Succeeded | Failed | Withheld | Woke | Cancelled

# -- commands: what the driver does ------------------------------------------------------------------------------------


@value
class Run:
    """Ask `target`; its answer is of no use after `until`. A hedge and a retry first ask their budget."""

    target: str
    until: float
    role: Role = Role.LEG


@value
class Wake:
    """Send Woke at `at`; a later Wake replaces an earlier one."""

    at: float


@value
class Cancel:
    """Stop `target`; whatever it still says is ignored."""

    target: str


@value
class Audit:
    """Ask `target` as well, without waiting: the answer is compared with the device's, which was kept."""

    target: str


@value
class Outcome:
    """How it ended. `target` answered; `certain` is None where no escalation was planned for the answer, `certified`
    where no promise was asked for. `why_uncertified` says why an answer is not. `score` is that of the device's answer,
    also of one that was escalated.

    `role` is as what `target` was asked. Who was `overtaken` did not fail: it was asked too, and stopped once the
    answer was there."""

    ending: Ending
    target: str | None
    failures: tuple[Failure, ...]
    escalated: bool = False
    certain: bool | None = None
    score: float | None = None
    late: bool = False
    certified: bool | None = None
    why_uncertified: str = ""
    role: Role = Role.LEG
    overtaken: tuple[str, ...] = ()


@value
class Finish:
    """The last command of every attempt."""

    outcome: Outcome


Command = Run | Wake | Cancel | Audit | Finish
