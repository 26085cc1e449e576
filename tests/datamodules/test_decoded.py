"""Decoded images: the same samples as without them, from a file that is whole, fresh and small enough."""

import gc
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from other_process import script
from PIL import Image

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.cli import main
from triptych.datamodules.base import TriptychDataModule
from triptych.datasets import CamVid, pixel_cache
from triptych.errors import BadSampleError

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where images are kept on disk and in memory."""
    disk, memory = tmp_path / "kept", tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setenv("TRIPTYCH_CACHE", str(disk))
    monkeypatch.setattr(pixel_cache, "_SHARED_MEMORY", memory)
    return disk, pixel_cache.cache_folder("ram")


@pytest.fixture(params=["streets", "portraits", "tiles"])
def build(request: pytest.FixtureRequest, drawn_streets: Path, drawn_portraits: Path, drawn_tiles: Path) -> Any:
    """Makes a data module of each kind, after `setup`."""
    kinds = {
        "streets": (CamVidDataModule, drawn_streets),
        "portraits": (BIWIDataModule, drawn_portraits),
        "tiles": (PlanetDataModule, drawn_tiles),
    }
    kind, root = kinds[request.param]

    def made(**arguments: Any) -> TriptychDataModule:
        data = kind(str(root), **{"image_size": (32, 48), "batch_size": 3, **arguments})
        data.setup("fit")
        return data

    return made


def opened(root: Path, **arguments: Any) -> CamVidDataModule:
    data = CamVidDataModule(str(root), (32, 48), 3, **arguments)
    data.setup("fit")
    return data


def batches(data: TriptychDataModule) -> list[dict[str, Any]]:
    return [*data.train_dataloader(), *data.val_dataloader()]


def same(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> bool:
    """Whether all batches have the same bits."""
    return len(one) == len(other) and all(
        left.keys() == right.keys()
        and all(
            torch.equal(value, right[key]) if isinstance(value, torch.Tensor) else value == right[key]
            for key, value in left.items()
        )
        for left, right in zip(one, other, strict=True)
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.05)
    raise TimeoutError


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.name != ".lock"]


def count_decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list of the indices of the frames that are decoded from now on."""
    decoded: list[int] = []
    pixels = CamVid.pixels
    monkeypatch.setattr(CamVid, "pixels", lambda self, index: (decoded.append(index), pixels(self, index))[1])
    return decoded


@pytest.mark.parametrize(("num_workers", "sizes"), [(0, [(32, 48), (64, 96), (40, 200), (24, 32)]), (2, [(24, 32)])])
def test_samples_have_the_same_bits_from_files_from_memory_and_from_disk(
    build: Any, num_workers: int, sizes: list[tuple[int, int]]
) -> None:
    for size in sizes:
        expected = batches(build(image_size=size))
        for cache in ("ram", "disk", "disk"):
            assert same(batches(build(image_size=size, cache=cache, num_workers=num_workers)), expected), cache


def test_large_images_without_masks_are_kept_as_small_as_each_size_needs(
    build: Any, folders: tuple[Path, Path]
) -> None:
    given, small = build(), build(cache="disk")
    full = kept(folders[0])[0].stat().st_size
    for size in [(12, 10), (8, 14), (32, 48), (12, 10)]:
        for data in (given, small):
            data.image_size = size
            data.setup("fit")
        for one, other in zip(batches(given), batches(small), strict=True):
            assert torch.equal(one["image"], other["image"])
            assert torch.equal(one["size"], other["size"])
            if "point" in one:
                torch.testing.assert_close(one["point"], other["point"], rtol=0, atol=1e-6)
    sizes = sorted(path.stat().st_size for path in kept(folders[0]))
    assert sizes[-1] == full
    if "mask" in one:
        assert len(sizes) == 1
    else:
        assert len(sizes) == 3
        assert max(sizes[:2]) < full / 2


def test_a_size_that_changes_between_two_fits_changes_the_samples(drawn_streets: Path) -> None:
    data, other = opened(drawn_streets, cache="ram"), opened(drawn_streets)
    for size in [(32, 48), (64, 96), (8, 12)]:
        for one in (data, other):
            one.image_size = size
            one.setup("fit")
        assert same(batches(data), batches(other)), size


def test_each_image_is_decoded_once_for_all_epochs_and_later_fits(
    drawn_streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = count_decoding(monkeypatch)
    data = opened(drawn_streets, cache="disk")
    data.setup("fit")
    for _ in range(3):
        batches(data)
    batches(opened(drawn_streets, cache="disk"))
    assert len(decoded) == 12 + 1  # the first one tells the number of bands


def test_what_changes_the_pixels_of_a_mask_is_decoded_afresh(drawn_streets: Path) -> None:
    for classes in ("all", "11"):
        expected = batches(opened(drawn_streets, classes=classes))
        assert same(batches(opened(drawn_streets, classes=classes, cache="disk")), expected)


def test_a_file_that_changes_is_decoded_afresh_in_the_same_fit_and_in_the_next(streets: Path) -> None:
    data = opened(streets, cache="disk")
    for path in (streets / "images").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path).convert("RGB"))).save(path)
    expected = batches(opened(streets))
    assert same(batches(data), expected)
    assert same(batches(opened(streets, cache="disk")), expected)


def test_corrections_are_kept_beside_the_data(drawn_streets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corrections"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    shutil.copy(drawn_streets / "codes.txt", folder)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(256, size=(20, 30, 3), dtype=np.uint8)).save(folder / "images" / "new.png")
    Image.fromarray(rng.integers(5, size=(20, 30), dtype=np.uint8)).save(folder / "labels" / "new_P.png")
    one, other = (opened(drawn_streets, corrections=str(folder), cache=cache) for cache in ("off", "ram"))
    assert same(batches(one), batches(other))


def test_memory_is_free_when_the_last_data_module_is_gone(drawn_streets: Path, folders: tuple[Path, Path]) -> None:
    one, other = (opened(drawn_streets, cache="ram", num_workers=2) for _ in range(2))
    batches(one)
    del one
    gc.collect()
    (path,) = kept(folders[1])
    assert same(batches(other), batches(opened(drawn_streets)))
    del other
    gc.collect()
    assert not path.exists()


def test_a_broken_image_is_told_before_the_fit_and_leaves_nothing(streets: Path, folders: tuple[Path, Path]) -> None:
    broken = sorted((streets / "images").iterdir())[5]
    data = broken.read_bytes()
    broken.write_bytes(data[:500] + bytes(len(data) - 520) + data[-20:])
    with pytest.raises(BadSampleError, match=broken.name):
        opened(streets, cache="disk")
    assert kept(folders[0]) == []


@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_without_enough_room_nothing_is_kept_and_one_line_says_why(
    cache: Any,
    drawn_streets: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    folders: tuple[Path, Path],
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(pixel_cache.shutil, "disk_usage", lambda path: usage._replace(free=500_000))
    with caplog.at_level(logging.INFO):
        data = opened(drawn_streets, cache=cache)
        data.setup("fit")
    folder = folders[cache == "ram"]
    assert [line for line in caplog.messages if line.startswith("cache")] == [
        f"cache: nothing is kept, as they take 0.29 MB, and {folder} has room for 0.25 MB, half of what is free."
    ]
    assert kept(folder) == []
    assert same(batches(data), batches(opened(drawn_streets)))


def test_on_disk_what_was_read_longest_ago_makes_room(
    drawn_streets: Path, drawn_portraits: Path, monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path]
) -> None:
    for classes in ("all", "11"):
        opened(drawn_streets, classes=classes, cache="disk")
    gc.collect()
    old, new = sorted(kept(folders[0]), key=lambda path: path.stat().st_mtime)
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(pixel_cache.shutil, "disk_usage", lambda path: usage._replace(free=700_000))
    BIWIDataModule(str(drawn_portraits), cache="disk").setup("fit")
    assert not old.exists()
    assert new.exists()
    assert len(kept(folders[0])) == 2


def test_a_folder_that_cannot_be_written_to_leaves_the_images_where_they_are(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRIPTYCH_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        data = opened(drawn_streets, cache="disk")
    assert f"{tmp_path / 'file'}" in next(line for line in caplog.messages if line.startswith("cache: nothing is kept"))
    assert same(batches(data), batches(opened(drawn_streets)))


class OwnFrames(CamVid):
    """Frames that are read in another way."""

    def __getitem__(self, index: int) -> Any:
        record = super().__getitem__(index)
        return {**record, "image": 255 - record["image"]}


def test_records_of_a_subclass_that_reads_them_in_its_own_way_are_not_kept(
    drawn_streets: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("triptych.datamodules.camvid.CamVid", OwnFrames)
    with caplog.at_level(logging.INFO):
        data = opened(drawn_streets, cache="ram")
    assert "cache: nothing is kept, as OwnFrames reads its records in a way of its own." in caplog.messages
    assert same(batches(data), batches(opened(drawn_streets)))


def test_cache_is_ram_disk_or_off_which_yaml_reads_as_false(drawn_streets: Path) -> None:
    for off in ("off", False):
        assert CamVidDataModule(str(drawn_streets), cache=off).cache == "off"
    for wrong in (True, "memory"):
        with pytest.raises(ValueError, match=rf"^cache: expected ram, disk or off, got {wrong!r}\.$"):
            CamVidDataModule(str(drawn_streets), cache=wrong)


SCRIPT = """
import sys, time
from triptych import CamVidDataModule
from triptych.datasets import CamVid
pixels, count = CamVid.pixels, []
def slow(self, index):
    count.append(index)
    print(len(count), flush=True)
    time.sleep(float(sys.argv[2]))
    return pixels(self, index)
CamVid.pixels = slow
CamVidDataModule(sys.argv[1], (32, 48), 3, cache="disk").setup("fit")
"""


@pytest.fixture
def start(drawn_streets: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts processes that keep images on disk, and write how many they have decoded into a file."""
    started: list[BaseProcess] = []
    (tmp_path / "keep.py").write_text(SCRIPT)

    def run(name: str, seconds: float) -> tuple[BaseProcess, Path]:
        output = tmp_path / name
        started.append(script([str(tmp_path / "keep.py"), str(drawn_streets), str(seconds)], output))
        return started[-1], output

    yield run
    for process in started:
        process.kill()
        process.join()


@pytest.mark.slow
def test_of_two_processes_one_decodes_and_the_other_waits(start: Any, folders: tuple[Path, Path]) -> None:
    outputs = []
    for process, output in [start("one", 0.05), start("other", 0.05)]:
        process.join()
        assert process.exitcode == 0
        outputs.append([line for line in output.read_text().split("\n") if line.isdigit()])
    assert sorted(map(len, outputs)) == [0, 13]
    assert len(kept(folders[0])) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_writes_leaves_nothing_that_is_read(
    start: Any, drawn_streets: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, output = start("killed", 0.2)
    wait_until(lambda: output.exists() and "\n5\n" in output.read_text())
    process.kill()
    process.join()
    assert [path.suffix for path in kept(folders[0])] == [".pixels"]
    assert kept(folders[0])[0].name.endswith(".part.pixels")
    decoded = count_decoding(monkeypatch)
    data = opened(drawn_streets, cache="disk")
    assert len(decoded) == 13
    assert [".part" in path.name for path in kept(folders[0])] == [False]
    assert same(batches(data), batches(opened(drawn_streets)))


def test_clean_cache_removes_what_no_process_reads(
    drawn_streets: Path, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data = opened(drawn_streets, cache="disk")
    main(["clean-cache"])
    assert f"cache: removed 0.00 MB from {folders[0]}; 0.30 MB stay, as a run reads them" in capsys.readouterr().out
    assert same(batches(data), batches(opened(drawn_streets)))
    del data
    gc.collect()
    main(["clean-cache"])
    assert capsys.readouterr().out.splitlines() == [
        f"cache: removed 0.00 MB from {folders[1]}",
        f"cache: removed 0.30 MB from {folders[0]}",
    ]
    assert kept(folders[0]) == []
    assert time.time() > 0
