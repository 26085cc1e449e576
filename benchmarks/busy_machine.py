"""What does a training step cost beside other work, by the way in which OpenMP's threads wait?

Each setting is a process of its own, which trains the default encoder (144x192, batch 4); the settings run in turn. The
first table line is torch's own setting. "shipped" is what `import triptych` chooses while the other work runs. A fair
share is the time of a step of torch's own alone, times the threads that want to run, over the processors.

    python benchmarks/busy_machine.py [ROUNDS]
"""

import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SETTINGS: dict[str, Mapping[str, str]] = {
    "torch's own": {},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "shipped": {},
}
LOOP = "while True: pass"
WARM_UP, STEPS = 2, 8
OWN = "torch's own"
_CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")


def train(steps: int, setting: str) -> None:
    """Trains without end, or for so many steps; prints the median seconds of a step."""
    importlib.import_module("torch" if setting == OWN else "triptych")  # after torch, triptych chooses nothing
    import torch

    from triptych import UNetSegmenter
    from triptych.trainer.cpu import keep_freed_memory

    keep_freed_memory()
    torch.manual_seed(0)
    model = UNetSegmenter(12, 11, encoder="timm-tf_efficientnet_lite0").to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    image, mask = torch.randint(0, 256, (4, 3, 144, 192), dtype=torch.uint8), torch.randint(0, 12, (4, 144, 192))
    seconds: list[float] = []
    while not steps or len(seconds) < WARM_UP + steps:
        began = time.perf_counter()
        loss = model.mean_loss(model(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    print(statistics.median(seconds[WARM_UP:]))


def environment(setting: Mapping[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in _CHOICES}, **setting}


def timed(setting: str) -> float:
    """Median seconds of a step in a process of its own."""
    command = [sys.executable, __file__, "--train", str(STEPS), setting]
    done = subprocess.run(command, env=environment(SETTINGS[setting]), check=True, capture_output=True, text=True)
    return float(done.stdout)


@contextmanager
def beside(commands: list[list[str]]) -> Iterator[None]:
    others = [subprocess.Popen(command, env=environment({})) for command in commands]
    time.sleep(10 if commands else 1)  # until they work
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    processors = len(os.sched_getaffinity(0))
    training, loop = [sys.executable, __file__, "--train", "0", OWN], [sys.executable, "-c", LOOP]
    situations = {"alone": [], "beside two trainings": [training] * 2, "beside five loops": [loop] * 5}
    wanting = {"alone": 0, "beside two trainings": 2 * processors, "beside five loops": 5}
    own_alone = 0.0
    for situation, commands in situations.items():
        with beside(commands):
            turns = [{name: timed(name) for name in SETTINGS} for _ in range(rounds)]
        medians = {name: statistics.median(turn[name] for turn in turns) for name in SETTINGS}
        own_alone = own_alone or medians[OWN]
        fair = own_alone * max(1, (processors + wanting[situation]) / processors)
        print(f"{situation}: fair share {fair:.2f} s")
        for name, median in medians.items():
            times = [turn[name] for turn in turns]
            spread = f"{min(times):.2f} to {max(times):.2f}"
            print(f"  {name:26s} {median:6.2f} s  {median / fair:5.2f} fair shares  ({spread})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        train(int(sys.argv[2]), sys.argv[3])
    else:
        main()
