"""What a policy came to in a simulated world: each figure for one request, with the interval it might have been in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from router.running.events import Role
from router.simulate.intervals import Draws, Figure, drawn_again, figure, quantile_s
from router.simulate.tally import BLOCK_REQUESTS, Block, Tally
from router.values import value

__all__ = ["Outcomes", "outcomes_of"]


@value
class Outcomes:
    """Of all requests of a run; figures are for one request, with their 95 % intervals.

    `cost` is J as the policy's worth defines it, without what budgets, waking and exploring are credited with."""

    policy: str
    requests: int
    cost: Figure
    accuracy_loss: Figure
    """Right answers of the best remote target less those of who answered; a request without an answer has none."""
    wrong: Figure
    """Probability that the answer is wrong."""
    missed: Figure
    failed: Figure
    escalated: Figure
    p50_s: Figure
    p95_s: Figure
    p99_s: Figure
    seconds: Figure
    joules: Figure
    usd: Figure
    size_bytes: Figure
    """Sent and received."""
    shares: Mapping[str, Figure]
    """Target -> share of requests that it answered."""
    backed_up: Figure
    """Share of requests for which the device was started beside a call; hedged and retried likewise."""
    hedged: Figure
    retried: Figure
    wakes: Figure
    """How often the radio was woken for requests to come."""
    rules: Mapping[str, Figure]
    """Rule of the policy -> share of requests that it applied to."""
    promised_loss: Figure | None = None
    """Accuracy lost over the requests that a certificate covered; None where it covered none."""
    max_loss: float | None = None
    """What the policy promises to lose at most; None where it promises nothing."""

    @property
    def has_intervals(self) -> bool:
        """Whether there were enough requests to draw again from; of fewer, every interval is but the figure itself."""
        return self.requests > BLOCK_REQUESTS

    @property
    def broken(self) -> bool | None:
        """Whether the promise was broken beyond what chance explains; None where none was made."""
        if self.promised_loss is None or self.max_loss is None:
            return None
        return self.has_intervals and self.promised_loss.low > self.max_loss


def outcomes_of(
    policy: str,
    tally: Tally,
    targets: Sequence[str],
    chance: Draws,
    *,
    max_loss: float | None = None,
    rules: Sequence[str] = (),
) -> Outcomes:
    """Return what `tally` holds, as figures. `max_loss` is what the policy promises to lose at most, `rules` what its
    rules are called."""
    blocks = tally.blocks
    draws = drawn_again(len(blocks), chance)

    def mean(amount: Callable[[Block], float]) -> Figure:
        return figure(blocks, draws, amount)

    def answered_by(target: str) -> Figure:
        return mean(lambda block: block.by_target[target])

    def started(role: Role) -> Figure:
        return mean(lambda block: block.by_role[role])

    def applied(rule: str) -> Figure:
        return mean(lambda block: block.by_rule[rule])

    return Outcomes(
        policy,
        sum(block.requests for block in blocks),
        mean(lambda block: block.cost),
        mean(lambda block: block.lost),
        mean(lambda block: block.wrong),
        mean(lambda block: block.missed),
        mean(lambda block: block.failed),
        mean(lambda block: block.escalated),
        quantile_s(blocks, draws, 0.5),
        quantile_s(blocks, draws, 0.95),
        quantile_s(blocks, draws, 0.99),
        mean(lambda block: block.seconds),
        mean(lambda block: block.joules),
        mean(lambda block: block.usd),
        mean(lambda block: block.up_bytes + block.down_bytes),
        {target: answered_by(target) for target in targets},
        started(Role.BACKUP),
        started(Role.HEDGE),
        started(Role.RETRY),
        mean(lambda block: block.wakes),
        {rule: applied(rule) for rule in rules},
        promised_loss(blocks, draws),
        max_loss,
    )


def promised_loss(blocks: Sequence[Block], draws: Sequence[Sequence[int]]) -> Figure | None:
    """Return the accuracy lost for each request that a certificate covered."""
    if not any(block.promised for block in blocks):
        return None
    return figure(blocks, draws, lambda block: block.promised_lost, per=lambda block: block.promised)
