"""`triptych clean-cache`: removes decoded images."""

from collections.abc import Sequence
from typing import get_args

from triptych.datasets.pixel_cache import Keep, cache_folder, clean
from triptych.errors import UsageError
from triptych.files import size_text

_USAGE = "triptych clean-cache"


def clean_cache(args: Sequence[str]) -> None:
    """`triptych clean-cache`: removes the images that `cache` of a data module keeps decoded, but no run reads now."""
    if args in (["--help"], ["-h"]):
        print(f"usage: {_USAGE}")
        return
    if args:
        raise UsageError(f"expected `{_USAGE}` without arguments, got {' '.join(args)}.")
    for keep in get_args(Keep):
        removed, read = clean(keep)
        rest = f"; {size_text(read)} stay, as a run reads them" if read else ""
        print(f"cache: removed {size_text(removed)} from {cache_folder(keep)}{rest}")
