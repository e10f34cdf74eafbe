"""How long a job will still take."""

import time
from collections import deque
from statistics import median


class Clock:
    """Counts the steps of a whole job and estimates the rest of its time from its last steps.

    steps: of the whole job. The first step of a job is left out of the estimate as soon as there is another: it pays
    for what is set up once.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.step = 0
        self._took: deque[float] = deque(maxlen=8)
        self._mark = time.monotonic()

    def begin(self) -> None:
        """Steps begin now: the time since the last one was spent on something else."""
        self._mark = time.monotonic()

    def tick(self) -> None:
        """A step is done."""
        now = time.monotonic()
        if self.step == 1:
            self._took.clear()
        self._took.append(now - self._mark)
        self._mark = now
        self.step += 1

    def skip(self, steps: int) -> None:
        """Steps that an earlier run had done."""
        self.step += steps

    def seconds_left(self, afterwards: float = 0.0) -> float | None:
        """Seconds for the steps that remain and `afterwards`; None before the first step."""
        if not self._took:
            return None
        return (self.steps - self.step) * median(self._took) + afterwards
