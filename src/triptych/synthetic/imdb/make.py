"""Writes made-up film reviews in the layout of the course's sample of IMDB."""

import csv
from pathlib import Path

from triptych.synthetic.imdb.review import review
from triptych.synthetic.new_folder import check_seed, new_folder


def make_reviews(root: str | Path, num_train: int = 2000, num_valid: int = 500, seed: int = 0) -> Path:
    """Writes film reviews and their labels into a new folder, in the layout of the course's `imdb_sample`.

    The folder holds `texts.csv` (`label,text,is_valid`), the training rows first. An opinion word is as frequent in
    reviews of one label as in those of the other; what tells the label is negation, contrast, and whose opinion it is.
    A logistic regression on counts of words is right for half of the reviews, one on words and pairs of words for 0.7.
    The same arguments give the same bytes, and a row depends only on `seed` and its number.

    Args:
        root: Folder to create; it may exist if it is empty.
        num_train: Number of training reviews, at least 1.
        num_valid: Number of validation reviews, at least 1.
        seed: Seed of all random choices, at least 0.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument is out of its range.
        FileExistsError: If `root` is a file or a folder that is not empty. Nothing is written then.
    """
    root = Path(root)
    for name, number in (("num_train", num_train), ("num_valid", num_valid)):
        if number < 1:
            raise ValueError(f"reviews: {name} must be at least 1, got {number}.")
    check_seed(seed, "reviews")
    with new_folder(root, "reviews") as folder:
        _write(folder / "texts.csv", num_train, num_valid, seed)
    return root


def _write(path: Path, num_train: int, num_valid: int, seed: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("label", "text", "is_valid"))
        for row in range(num_train + num_valid):
            table.writerow((*review(seed, row), row >= num_train))
