"""A phone whose radio sleeps, and what it learns from calling a cloud: everything in virtual time."""

from __future__ import annotations

import random

from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import Kind, Radio, Reading, TargetView

__all__ = ["KINDS", "TARGETS", "Phone"]

KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
TARGETS = (
    TargetFacts("device", Kind.DEVICE, True, "", 0, None),
    TargetFacts("cloud", Kind.CLOUD, True, "", 1 << 24, None),
)


class Phone:
    """The first exchange after a silence takes `asleep_s`, any other `awake_s`; 10 % more or less, by chance."""

    def __init__(
        self,
        link: str | None,
        *,
        asleep_s: float = 0.9,
        awake_s: float = 0.1,
        sleeps_after_s: float = 10.0,
        policy: str = "",
        seed: int = 7,
    ) -> None:
        self._chance = random.Random(seed)
        document = f'schema = 1\nname = "p"\nversion = 1\n{policy}'
        self.experience = Experience(compile_policy(document.encode()), chance=self._chance.random)
        self.link = link
        self.times = asleep_s, awake_s, sleeps_after_s
        self.now, self.used_at = 0.0, -1e9

    @property
    def readings(self) -> dict[str, Reading]:
        return {} if self.link is None else {"link": Reading("link", self.link, "test", self.now)}

    def views(self, model: str = "m", upload_bytes: int = 1000) -> tuple[TargetView, ...]:
        return self.experience.views(ModelFacts(model, TARGETS), upload_bytes, self.readings, self.now)

    def view(self, model: str = "m", upload_bytes: int = 1000) -> TargetView:
        return self.views(model, upload_bytes)[1]

    def radio(self) -> Radio:
        return self.experience.radio(self.readings, self.now)

    def call(self, after_s: float, *, model: str = "m", upload_bytes: int = 1000, carried_s: float = 0.0) -> None:
        """Call the cloud so long after the last call; its bytes take `carried_s` beyond the exchange."""
        self.now += after_s
        self.experience.arrived(self.now)
        asleep_s, awake_s, sleeps_after_s = self.times
        call = self.experience.admit("cloud", Kind.CLOUD, model, upload_bytes, self.readings, self.now)
        assert call is not None
        usual_s = asleep_s if self.now - self.used_at > sleeps_after_s else awake_s
        taken_s = usual_s * self._chance.lognormvariate(0, 0.1) + carried_s
        self.now += taken_s
        self.used_at = self.now
        self.experience.remote_succeeded(call, model, upload_bytes, taken_s, self.now, received_bytes=100)

    def expects_s(self, idle_s: float) -> float:
        """Return what a call would be expected to take so long after the last one."""
        self.now = self.used_at + idle_s
        return self.view().time.median_s
