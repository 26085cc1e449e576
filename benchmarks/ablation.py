"""Which changes of a recipe help on samples that nobody has seen? Each row of a table is the recipe with one change.

A table, such as `benchmarks/ablations/camvid.yaml`, names a recipe, the split that is held out, the scores, and the
changes. Each row is trained with each seed; what is done is kept in the run folders, so the script goes on where it was
stopped. Prints the table in Markdown: mean and half of the spread of each score over the seeds, and minutes, which mean
something with one run at a time.

python benchmarks/ablation.py benchmarks/ablations/camvid.yaml DIR --runs FOLDER [--rows WORD,WORD] [--seeds N N N]
    [--jobs N] [--precision bf16-mixed]                     a GPU trains several at once, one thread each
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

HERE = Path(__file__).parent
_LOGGERS = "lightning.pytorch.loggers"


def merged(base: Any, change: Any) -> Any:
    """`base` with a change: mappings are merged; stages are changed by name, and left out by null."""
    if isinstance(base, list) and isinstance(change, Mapping):
        stages = [merged(stage, change.get(stage["name"], {})) for stage in base]
        return [stage for stage in stages if stage is not None]
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        return {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}
    return change


def plain_trainer(trainer: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The Trainer's settings without what shows or saves something, and validated at the end of a stage only."""
    callbacks = [one for one in trainer.get("callbacks", []) if one["class_path"].endswith("Average")]
    logger = {
        "class_path": f"{_LOGGERS}.CSVLogger",
        "init_args": {"save_dir": str(folder), "name": "", "version": "run"},
    }
    return {
        "precision": trainer["precision"],
        "logger": logger,
        "callbacks": callbacks,
        "check_val_every_n_epoch": 10_000,
        "enable_progress_bar": False,
    }


def train(recipe: Mapping[str, Any], folder: Path, seed: int, threads: Mapping[str, str]) -> dict[str, Any]:
    """Trains a recipe, or goes on with it, unless it is done; the scores of its last weights, and its seconds."""
    summary = folder / "run" / "summary.json"
    if not summary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        config, trainer = folder / "recipe.yaml", plain_trainer(recipe["trainer"], folder)
        config.write_text(yaml.safe_dump({**recipe, "seed_everything": seed, "trainer": trainer}, sort_keys=False))
        resume = ["--resume", "true"] if (folder / "run" / "recipe.json").exists() else []
        path = os.pathsep.join([str(HERE / "ablations"), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-m", "triptych", "recipe", "--config", str(config), *resume]
        environment = {**os.environ, **threads, "PYTHONPATH": path}
        with (folder / "log").open("w") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)
        for checkpoint in sorted((folder / "run" / "checkpoints").glob("*.ckpt"))[:-1]:
            checkpoint.unlink()
    stages = json.loads(summary.read_text())["stages"]
    return {**stages[-1]["scores"], "seconds": sum(stage["seconds"] or 0 for stage in stages)}


def cell(values: list[float]) -> str:
    """Mean, and half of the spread over several seeds or folds."""
    spread = f" ± {(max(values) - min(values)) / 2:.4f}" if len(values) > 1 else ""
    return f"{fmean(values):.4f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", type=Path, help="YAML file of the changes")
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs, which are kept")
    parser.add_argument(
        "--rows", default="", help="words, separated by commas; rows that have one of them in their name"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time, of one thread each if several")
    parser.add_argument("--precision", help="the Trainer's precision, in place of the recipe's")
    options = parser.parse_args()
    table = yaml.safe_load(options.table.read_text())
    recipe = merged(yaml.safe_load((HERE.parent / table["recipe"]).read_text()), table.get("all", {}))
    recipe["budget"] = None
    recipe["data"]["init_args"]["root"] = str(options.data)
    if options.precision:
        recipe["trainer"]["precision"] = options.precision
    words, folds = options.rows.split(","), table.get("folds", {"": {}})
    rows = {name: change for name, change in table["rows"].items() if any(word in name for word in words)}
    threads = {"OMP_NUM_THREADS": "1"} if options.jobs > 1 else {}
    print(f"| change | runs | {' | '.join(table['scores'])} | minutes |\n|{'---|' * (len(table['scores']) + 3)}")
    with ThreadPoolExecutor(options.jobs) as pool:
        runs: dict[str, list[Future[dict[str, Any]]]] = {name: [] for name in rows}
        for seed, (name, change), fold in itertools.product(options.seeds, rows.items(), folds):
            changed = merged(merged(recipe, change or {}), folds[fold])
            folder = options.runs / name.replace(" ", "-").replace("/", "-") / f"{fold}seed-{seed}"
            runs[name].append(pool.submit(train, changed, folder, seed, threads))
        for name, futures in runs.items():
            done = [future.result() for future in futures]
            scores = [cell([one[score] for one in done]) for score in table["scores"].values()]
            minutes = fmean([one["seconds"] for one in done]) / 60
            print(f"| {name} | {len(done)} | {' | '.join(scores)} | {minutes:.1f} |", flush=True)


if __name__ == "__main__":
    main()
