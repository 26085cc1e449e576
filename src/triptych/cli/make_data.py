"""`triptych make-data`: writes made-up data."""

from collections.abc import Callable, Sequence
from pathlib import Path

from triptych import synthetic
from triptych.errors import UsageError
from triptych.files import local_folder

MADE_UP: dict[str, Callable[[str], Path]] = {
    "camvid": synthetic.make_streets,
    "biwi": synthetic.make_portraits,
    "planet": synthetic.make_tiles,
    "imdb": synthetic.make_reviews,
}
"""What `make-data` writes, by the name of the data set whose layout it follows."""


def make_data(args: Sequence[str]) -> None:
    """`triptych make-data NAME DIR`: writes made-up data in the layout of the real one."""
    usage = f"triptych make-data {{{','.join(MADE_UP)}}} DIR"
    if args in (["--help"], ["-h"]):
        print(f"usage: {usage}")
        return
    if len(args) != 2 or args[0] not in MADE_UP:
        raise UsageError(f"expected `{usage}`, got {' '.join(args) or 'nothing'}.")
    print(f"made-up data: {MADE_UP[args[0]](local_folder(args[1]))}")
