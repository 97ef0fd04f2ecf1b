"""How long a run still takes, from what its finished tasks have taken."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable


def duration_text(seconds: float) -> str:
    """Return a time that nobody knows exactly: "5 s", "14 min", "2 h 10 min"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class Remaining:
    """An estimate from finished tasks; none before the first is done.

    A task is expected to take what finished tasks of its kind took on average, or,
    where none of its kind is finished, the others. How many run at once is measured:
    seconds of work done by seconds gone.

    Parameters
    ----------
    kinds : iterable of hashable
        One per task that is still to do: tasks of one kind take about as long.
    clock : callable
        Seconds from any start.
    """

    def __init__(
        self,
        kinds: Iterable[Hashable],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._to_do = Counter(kinds)
        self._took: defaultdict[Hashable, list[float]] = defaultdict(list)
        self._clock = clock
        self._start = clock()

    def finish(self, kind: Hashable, seconds: float) -> None:
        """Count a task as done, which took `seconds` where it ran."""
        self._to_do[kind] -= 1
        self._took[kind].append(seconds)

    @property
    def seconds(self) -> float | None:
        """Seconds left, None where nobody knows."""
        work_done = sum(sum(took) for took in self._took.values())
        n_done = sum(len(took) for took in self._took.values())
        gone = self._clock() - self._start
        if not work_done or not gone:
            return None
        work_left = 0.0
        for kind, number in self._to_do.items():
            took = self._took.get(kind)
            mean = sum(took) / len(took) if took else work_done / n_done
            work_left += number * mean
        # At least one runs at once: the start of processes is not repeated.
        return work_left / max(1.0, work_done / gone)

    def __str__(self) -> str:
        """Return ", about 14 min left", or nothing where nobody knows."""
        seconds = self.seconds
        if seconds is None or not any(self._to_do.values()):
            return ""
        return words_for(seconds)


def words_for(seconds: float) -> str:
    """Return ", about 14 min left"."""
    return f", about {duration_text(seconds)} left"
