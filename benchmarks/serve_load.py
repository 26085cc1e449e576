"""Does `triptych serve` lose a request when many come at once, how long do they wait, and does its memory stay flat?

python benchmarks/serve_load.py EXPORTED [IMAGE]     three rounds of 200 requests from 8 clients, over loopback
"""

import argparse
import io
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from triptych.exported import ExportedFolder

CLIENTS, REQUESTS, ROUNDS = 8, 200, 3
SECONDS = 120.0
"""How long a client waits for an answer."""


@contextmanager
def served(folder: str) -> Iterator[tuple[int, str]]:
    """The process id of a server, and the address of its page."""
    command = [sys.executable, "-m", "triptych", "serve", folder, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.pid, server.stdout.readline().partition(": ")[2].strip()
        finally:
            server.terminate()


def resident_mb(process: int) -> float:
    """Memory of a process on Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) / 1024


def an_image(size: tuple[int, int]) -> bytes:
    """A smooth image of (height, width) as a JPEG."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def seconds_of(client: httpx.Client, image: bytes) -> tuple[int, float]:
    """Status and seconds of a request."""
    start = time.perf_counter()
    status = client.post("predict", files={"image": image}).status_code
    return status, time.perf_counter() - start


def one_after_another(client: httpx.Client, image: bytes, requests: int) -> list[tuple[int, float]]:
    return [seconds_of(client, image) for _ in range(requests)]


def all_clients(address: str, image: bytes) -> list[tuple[int, float]]:
    """Status and seconds of each request of all clients, which ask at the same time."""
    with ThreadPoolExecutor(CLIENTS) as pool, httpx.Client(base_url=address, timeout=SECONDS) as client:
        jobs = [pool.submit(one_after_another, client, image, REQUESTS // CLIENTS) for _ in range(CLIENTS)]
        return [answer for job in jobs for answer in job.result()]


def main(args: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("exported")
    parser.add_argument("image", nargs="?")
    options = parser.parse_args(args)
    size = ExportedFolder(options.exported).read().image_size
    image = an_image(size) if options.image is None else Path(options.image).read_bytes()
    with served(options.exported) as (server, address), httpx.Client(base_url=address, timeout=SECONDS) as client:
        alone = statistics.median(seconds for _, seconds in one_after_another(client, image, 9))
        print(f"one client: {alone:.3f} s an answer; {resident_mb(server):.0f} MB")
        for turn in range(1, ROUNDS + 1):
            start = time.perf_counter()
            answers = all_clients(address, image)
            rate = len(answers) / (time.perf_counter() - start)
            lost = sum(status != 200 for status, _ in answers)
            median, p95 = (float(np.quantile([seconds for _, seconds in answers], part)) for part in (0.5, 0.95))
            print(
                f"round {turn}: {lost} of {len(answers)} lost; median {median:.3f} s, p95 {p95:.3f} s, "
                f"{p95 / alone:.1f} of one client's; answers a second {rate * alone:.2f} of one client's; "
                f"{resident_mb(server):.0f} MB"
            )


if __name__ == "__main__":
    main()
