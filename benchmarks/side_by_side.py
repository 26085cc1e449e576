"""Times things in turn in one process; what counts is the ratio of their medians."""

import statistics
import time
from collections.abc import Callable, Mapping


def side_by_side(contestants: Mapping[str, Callable[[], float | None]], rounds: int = 7) -> dict[str, float]:
    """Median seconds of each contestant, printed with its ratio to the first.

    Args:
        contestants: What to time by name; one that returns a number is taken at its word, others are timed here.
        rounds: How often all of them run in turn, after one round to warm up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            own = run()
            elapsed = own if own is not None else time.perf_counter() - start
            if turn:
                seconds[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        spread = (max(seconds[name]) - min(seconds[name])) / median
        print(f"{name:44s} {median * 1e3:10.2f} ms   speed {first / median:5.2f} of the first   spread {spread:.0%}")
    return medians
