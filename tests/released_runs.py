"""Run folders of a release: the data they were made on, and the folders from and to text."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import lightning as L
import torch
from skeleton import filled, skeleton
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from triptych.synthetic import make_portraits, make_streets, make_tiles

RELEASED = Path(__file__).parent / "released"
SCALARS = ("name", "step", "value")


def draw_data(folder: Path) -> None:
    """Draws the data of all runs, which name it as `data/tiles`, `data/portraits` and `data/streets`."""
    make_tiles(folder / "tiles", num_tiles=30, image_size=(32, 32))
    make_portraits(folder / "portraits", num_persons=3, frames_per_person=6, image_size=(48, 64))
    make_streets(folder / "streets", num_frames=8, image_size=(64, 96))


def to_text(run: Path, text: Path, checkpoints: Sequence[str]) -> None:
    """Writes a run folder as text files into the folder `text`, with these of its checkpoints.

    Left out are pictures, other checkpoints, and everything in TensorBoard's files but the scalars.
    """
    for path in sorted(run.rglob("*")):
        copy = text / path.relative_to(run)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".yaml", ".json", ".csv"):
            shutil.copyfile(path, copy)
        elif path.name in checkpoints:
            state = torch.load(path, weights_only=True)
            copy.with_name(f"{path.name}.txt").write_text(skeleton(state), encoding="utf-8")
    with (text / "scalars.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(SCALARS)
        for name, values in scalars(run).items():
            rows.writerows((name, step, f"{value:.6g}") for step, value in values.items())


def from_text(text: Path, run: Path) -> None:
    """Writes the run folder again, with seeded values in its checkpoints."""
    for seed, path in enumerate(sorted(text.rglob("*.*"))):
        copy = run / path.relative_to(text)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "scalars.csv":
            _write_events(path, run)
        elif path.name.endswith(".ckpt.txt"):
            torch.save(filled(path.read_text(encoding="utf-8"), seed), copy.with_suffix(""))
        else:
            shutil.copyfile(path, copy)


def scalars(run: Path, prefix: str = "") -> dict[str, dict[int, float]]:
    """The last logged value at each step, by name, for names that start with `prefix`."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
    names = [name for name in events.Tags()["scalars"] if name.startswith(prefix)]
    return {name: {event.step: event.value for event in events.Scalars(name)} for name in names}


def rates(run: Path) -> dict[str, list[float]]:
    """Rate and momentum of each layer group, step by step."""
    found = scalars(run, "lr-")
    return {name: [float(f"{values[step]:.6g}") for step in sorted(values)] for name, values in found.items()}


def logits(model: L.LightningModule) -> list[float]:
    """The first logits of a model for each of two fixed images."""
    pixels = torch.arange(2 * 3 * 64 * 96).mul(7919).remainder(251).to(torch.uint8).reshape(2, 3, 64, 96)
    with torch.no_grad():
        return [round(value, 5) for given in model.eval()(pixels) for value in given.flatten()[:8].tolist()]


def _write_events(path: Path, run: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file, SummaryWriter(str(run)) as writer:
        for row in csv.DictReader(file):
            writer.add_scalar(row["name"], float(row["value"]), int(row["step"]))
