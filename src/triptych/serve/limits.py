"""What one request may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on uploads and on the work for them.

    Args:
        upload_bytes: Largest body of a request.
        pixels: Largest image, told by its header before it is decoded; 100 MB as RGB.
        characters: Longest text, some 20,000 words.
        seconds: Time from the start of a request to its answer.
        threads: Number of answers that are computed at once.
        waiting: Number of further requests that wait; their uploads are in memory.
    """

    upload_bytes: int = 32 * 2**20
    pixels: int = 2**25
    characters: int = 100_000
    seconds: float = 60.0
    threads: int = 2
    waiting: int = 16
