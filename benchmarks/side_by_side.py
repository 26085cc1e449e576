"""Times functions in turn in one process; the result is the ratio of their medians."""

import statistics
import time
from collections.abc import Callable, Mapping


def side_by_side(contestants: Mapping[str, Callable[[], float | None]], rounds: int = 7) -> dict[str, float]:
    """Median seconds of each contestant, printed with its ratio to the first.

    Args:
        contestants: Functions by name. If one returns a number, that is its time in seconds.
        rounds: Number of rounds, in each of which all run once; one more round before them is the warm-up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            reported = run()
            elapsed = reported if reported is not None else time.perf_counter() - start
            if turn:
                seconds[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        spread = (max(seconds[name]) - min(seconds[name])) / median
        print(f"{name:44s} {median * 1e3:10.2f} ms   speed {first / median:5.2f} of the first   spread {spread:.0%}")
    return medians
