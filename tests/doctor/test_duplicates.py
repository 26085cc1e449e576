"""Which images look like others, and on which side of the split these are."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from triptych.doctor.contents import difference_hash, image_content
from triptych.doctor.duplicates import exact, near
from triptych.doctor.inventory import Inventory, TagLabels

Pixels = npt.NDArray[np.uint8]


def scene(seed: int) -> Pixels:
    """Soft random shapes, (60, 80, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (80, 60), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def inventory(folder: Path, images: dict[str, Pixels], train: list[str]) -> Inventory[TagLabels]:
    """Images that are written to a folder; those not in `train` validate."""
    paths = {name: folder / name for name in images}
    for name, pixels in images.items():
        cv2.imwrite(str(paths[name]), pixels[..., ::-1])
    splits = {"train": train, "val": [name for name in images if name not in train]}
    data = Inventory(folder, "tile", [], splits, paths, TagLabels({}, [], [], folder / "table.csv", " "))
    data.contents = {name: image_content(path, data.read) for name, path in paths.items()}
    return data


def test_a_copy_that_is_smaller_brighter_and_compressed_looks_like_the_original(tmp_path: Path) -> None:
    copy = cv2.resize(np.clip(scene(0) * 1.02 + 2, 0, 255).astype(np.uint8), (64, 48), interpolation=cv2.INTER_AREA)
    data = inventory(tmp_path, {"a.png": scene(0), "b.png": scene(1), "c.jpg": copy}, ["a.png", "b.png"])
    (found,) = near(data)
    assert (found.kind, dict(found.beside)) == ("near-duplicates-across", {"c.jpg": "a.png"})
    assert not [*exact(data)]


def test_the_same_pixels_on_one_side_are_a_warning_for_the_later_ones(tmp_path: Path) -> None:
    data = inventory(
        tmp_path, {f"{i}.png": scene(0) for i in range(3)} | {"v.png": scene(1)}, ["0.png", "1.png", "2.png"]
    )
    (found,) = exact(data)
    assert (found.level, found.kind) == ("warning", "duplicates")
    assert dict(found.files) == {"1.png": "same pixels as 0.png", "2.png": "same pixels as 0.png"}
    assert not [*near(data)]


def test_flat_images_do_not_look_alike(tmp_path: Path) -> None:
    flat = {f"{grey}.png": np.full((60, 80, 3), grey, dtype=np.uint8) for grey in (200, 202, 204)}
    assert not [*near(inventory(tmp_path, flat, ["200.png"]))]


def test_other_scenes_differ_in_many_bits() -> None:
    bits = np.stack([difference_hash(scene(seed)) for seed in range(20)])
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    assert distances[np.triu_indices(20, 1)].min() > 8
