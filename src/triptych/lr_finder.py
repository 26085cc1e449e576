"""The range test: which learning rate to train a model with, as it stands.

Sources: Smith, "Cyclical learning rates", 2017; fastai 2.8's `lr_find` with its four rules and their names.
"""

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from rich.table import Table
from torch import Tensor

from triptych.show.lr_curve import lr_curve
from triptych.trial import trial_fit
from triptych.whole_files import save_whole

Curve = npt.NDArray[np.float64]

DEFAULT_RULE = "valley"
DEFAULT_RATE = 1e-3
"""Kept where neither the curve nor the model names one."""
BETA = 0.98
"""Share of its past that the smoothed loss keeps in a step."""
TOO_HIGH = 4.0
"""The sweep ends where the smoothed loss is so many times its best."""
LEAST_POINTS = 10
"""Fewer neither end a sweep nor make a curve."""

_SLIDE_LAG, _SLIDE_SLOPE = 15, 0.005
_CLEAR_FALL = 4.0  # standard errors: flat noise of 10 to 200 points falls so far in less than 1% of the cases
_TINY_FALL = 1e-3  # of the loss
_FIND = re.compile(r"find(?:/(.+))?")


# Four rules: the rate that a curve suggests.


def steep(rates: Curve, losses: Curve) -> float:
    """The rate where the loss falls fastest, per step of log rate.

    Args:
        rates: Rising, (N,) with N at least 2, as in all four rules.
        losses: Smoothed, (N,).
    """
    return float(rates[np.argmin(np.diff(losses) / np.diff(np.log(rates)))])


def minimum(rates: Curve, losses: Curve) -> float:
    """A tenth of the rate where the loss is lowest."""
    return float(rates[np.argmin(losses)]) / 10


def valley(rates: Curve, losses: Curve) -> float:
    """The middle of the longest valley: half of the way down the longest falling subsequence of losses.

    As in fastai the valley is taken to be as many points wide as the subsequence has.
    """
    lengths = np.ones(len(losses), dtype=np.int64)
    for i in range(1, len(losses)):
        lengths[i] += np.where(losses[:i] > losses[i], lengths[:i], 0).max()
    end = int(lengths.argmax())
    width = int(lengths[end])
    return float(rates[max(end - width + width // 3 + width // 6, 0)])


def slide(rates: Curve, losses: Curve) -> float:
    """The left end of a window that slides down from the highest rates until the slopes at its ends agree.

    Slopes are per point; the window spans 15 points, or all where there are fewer.
    """
    slopes = np.gradient(losses)
    lag = min(_SLIDE_LAG, len(losses) - 1)
    alike = np.flatnonzero(abs(slopes[lag:] - slopes[:-lag]) <= _SLIDE_SLOPE)
    return float(rates[min(alike[-1] + 1, len(losses) - 1 - lag) if len(alike) else 0])


RULES: dict[str, Callable[[Curve, Curve], float]] = {
    **{"steep": steep, "minimum": minimum, "valley": valley, "slide": slide}
}


@dataclass(frozen=True)
class LRSearch:
    """What a range test found.

    Args:
        rates: Of the optimizer's last group, one for each of its steps.
        losses: Loss of each step; the last may not be a finite number.
        smoothed: The same, averaged exponentially.
        suggestions: Rate by rule; empty where the curve tells nothing.
        rule: The rule that was asked for.
        rate: What it suggests, or the rate kept where the curve tells nothing.
        verdict: The same in one line.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestions: dict[str, float]
    rule: str
    rate: float
    verdict: str

    def smoothed_at(self, rate: float) -> float:
        """The smoothed loss at a rate within the sweep."""
        finite = np.isfinite(self.smoothed)
        rates, smoothed = np.array(self.rates)[finite], np.array(self.smoothed)[finite]
        return float(np.interp(math.log(rate), np.log(rates), smoothed))

    def table(self) -> Table:
        """What each rule suggests, for the terminal."""
        table = Table(title=self.verdict, title_justify="left")
        table.add_column("rule")
        for heading in ("rate", "smoothed loss"):
            table.add_column(heading, justify="right")
        for name, rate in self.suggestions.items():
            used = name == self.rule
            row = (f"{name} (used)" if used else name, f"{rate:.1e}", f"{self.smoothed_at(rate):.4g}")
            table.add_row(*row, style="bold" if used else None)
        if not self.suggestions:
            table.add_row("none (rate kept)", f"{self.rate:.1e}", "-", style="bold")
        return table

    def figure(self) -> Figure:
        """The curve with the suggestions on it."""
        return lr_curve(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values; None stands for a loss that is not a finite number."""
        plain = asdict(self)
        for name in ("losses", "smoothed"):
            plain[name] = [loss if math.isfinite(loss) else None for loss in plain[name]]
        return plain

    @classmethod
    def load(cls, path: str | Path) -> "LRSearch":
        """What `save` wrote.

        Args:
            path: An `lr_find.json`.
        """
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
        for name in ("losses", "smoothed"):
            saved[name] = [math.nan if loss is None else loss for loss in saved[name]]
        return cls(**saved)

    def save(self, folder: str | Path) -> None:
        """Writes `lr_find.json` and `lr_find.png` into a folder, which is made where it is not there."""
        place, figure = Path(folder), self.figure()
        place.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        save_whole(place / "lr_find.json", lambda half: half.write_text(text, encoding="utf-8"))
        save_whole(place / "lr_find.png", lambda half: figure.savefig(half))


def find_lr(
    trainer_or_settings: L.Trainer | Mapping[str, Any],
    model: L.LightningModule,
    datamodule: Any,
    start: float = 1e-7,
    end: float = 10.0,
    num_steps: int = 100,
    rule: str = DEFAULT_RULE,
) -> LRSearch:
    """Trains a few steps with an exponentially rising rate, reads the curve, and leaves no trace.

    The model is taken as it stands, fresh or trained, frozen or not. The rate is that of the optimizer's last group;
    the others keep their ratio to it. No schedule runs, no validation. All processes get the same answer.

    Args:
        trainer_or_settings: See `triptych.trial.trial_fit`.
        model: Any LightningModule with automatic optimization and one optimizer.
        datamodule: The data, as `Trainer.fit` takes them.
        start: First rate, above 0.
        end: Last rate.
        num_steps: Steps of the optimizer, at least 2; the sweep ends earlier where the loss runs away.
        rule: `"steep"`, `"minimum"`, `"valley"` or `"slide"`.

    Raises:
        ValueError: An argument is out of range, or the model steps its optimizers itself.
    """
    if not 0 < start < end < math.inf:
        raise ValueError(f"start, end: expected two rates with 0 < start < end, got {start} and {end}.")
    if num_steps < 2:
        raise ValueError(f"num_steps: expected at least 2, got {num_steps}.")
    _check_rule(rule)
    if not model.automatic_optimization:
        raise ValueError("model: expected automatic optimization, got a model that steps its optimizers itself.")
    sweep = _Sweep([start * (end / start) ** (i / (num_steps - 1)) for i in range(num_steps)])
    with _plain_rates(model):
        trial_fit(trainer_or_settings, model, datamodule, sweep, num_steps)
    return read_curve(sweep.rates[: len(sweep.losses)], sweep.losses, rule, _kept_rate(model.hparams.get("max_lr")))


def read_curve(
    rates: Sequence[float], losses: Sequence[float], rule: str = DEFAULT_RULE, kept: float = DEFAULT_RATE
) -> LRSearch:
    """What a curve suggests.

    Args:
        rates: Rising.
        losses: Of each rate; the first that is not a finite number ends the curve.
        rule: See `find_lr`.
        kept: The rate where the curve tells nothing.

    Raises:
        ValueError: There is no such rule.
    """
    _check_rule(rule)
    count = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    # as in fastai without the first tenth, where the average has seen little, and the last 5, where the loss runs away
    kept_points = slice(count // 10, count - min(5, count // 4))
    smoothed = smooth(losses)
    suggestions: dict[str, float] = {}
    if count < LEAST_POINTS:
        points = f"{count} point" if count == 1 else f"{count} points"
        why = "before the loss was not a number" if count < len(losses) else f"of at least {LEAST_POINTS}"
        verdict = f"only {points} {why}: keep {kept:.1e}"
    elif is_flat(np.array(losses[kept_points])):
        verdict = f"the curve is flat (or only rises): keep {kept:.1e}"
    else:
        curve = np.array(rates[kept_points]), np.array(smoothed[kept_points])
        suggestions = {name: suggest(*curve) for name, suggest in RULES.items()}
        verdict = f"{rule} suggests {suggestions[rule]:.1e}"
    return LRSearch(list(rates), list(losses), smoothed, suggestions, rule, suggestions.get(rule, kept), verdict)


def smooth(losses: Sequence[float]) -> list[float]:
    """The exponential average of the losses up to each, without the bias towards its start at zero.

    Source: fastai, `AvgSmoothLoss`.
    """
    average, smoothed = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = BETA * average + (1 - BETA) * loss
        smoothed.append(average / (1 - BETA**count))
    return smoothed


def has_run_away(losses: Sequence[float]) -> bool:
    """Whether the last loss is not a finite number, or the smoothed loss is four times its best.

    Where a loss is not above zero, and four times the best says nothing, its rise is measured by the range of the
    first ten instead.
    """
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < LEAST_POINTS:
        return False
    smoothed, first = smooth(losses), losses[:LEAST_POINTS]
    best = min(smoothed)
    scale = best if min(losses) > 0 else max(abs(best), max(first) - min(first))
    return smoothed[-1] > best + (TOO_HIGH - 1) * scale


def is_flat(losses: Curve) -> bool:
    """Whether the losses nowhere fall further than their noise explains.

    Compares the mean of the first quarter with the lowest mean of an eighth after it; the noise is that between
    neighbours up to there, since what follows may be the divergence.

    Args:
        losses: As they came, not smoothed; at least 6.
    """
    quarter, eighth = max(3, len(losses) // 4), max(3, len(losses) // 8)
    before = losses[:quarter].mean()
    means = np.convolve(losses[quarter:], np.ones(eighth) / eighth, "valid")
    lowest = int(means.argmin())
    noise = math.sqrt(np.square(np.diff(losses[: quarter + lowest + eighth])).mean() / 2)
    doubt = _CLEAR_FALL * noise * math.sqrt(1 / quarter + 1 / eighth)
    return bool(before - means[lowest] <= doubt + _TINY_FALL * abs(before))


def asks_to_find(max_lr: Any) -> bool:
    """Whether a `max_lr` has to be found: it is "find" or "find/N", or a pair with such a word."""
    return any(isinstance(part, str) and part.startswith("find") for part in _parts(max_lr))


def with_found(max_lr: Any, rate: float) -> Any:
    """`max_lr` with the rate found in place of "find", and its N-th part in place of "find/N".

    Args:
        max_lr: A number, a word, or a pair of them; numbers stay as they are.
        rate: The rate found.

    Raises:
        ValueError: There is another word.
    """
    parts = [_number(part, max_lr, rate) if isinstance(part, str) else part for part in _parts(max_lr)]
    return parts if isinstance(max_lr, (list, tuple)) else parts[0]


def _parts(max_lr: Any) -> list[Any]:
    return list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr]


def _number(word: str, max_lr: Any, rate: float) -> float:
    match = _FIND.fullmatch(word)
    with contextlib.suppress(ValueError):
        divisor = float(match[1] or 1) if match else 0.0
        if 0 < divisor < math.inf:
            return rate / divisor
    raise ValueError(f'max_lr: expected a number, "find", "find/N" with a number N above 0, or a pair, got {max_lr!r}.')


def _kept_rate(max_lr: Any) -> float:
    """The head's rate where it is typed as a number."""
    last = (_parts(max_lr) or [None])[-1]
    return float(last) if isinstance(last, (int, float)) and last > 0 else DEFAULT_RATE


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, got {rule!r}.")


@contextlib.contextmanager
def _plain_rates(model: L.LightningModule) -> Iterator[None]:
    """Numbers in place of the words in the model's `max_lr`, so that it can make its optimizer."""
    typed = model.hparams.get("max_lr")
    if not asks_to_find(typed):
        yield
        return
    initial = model.hparams_initial.get("max_lr", typed)
    model.hparams["max_lr"] = with_found(typed, DEFAULT_RATE)
    try:
        yield
    finally:
        model.hparams["max_lr"] = typed
        # a model that takes facts from the data has saved the numbers as initial ones
        vars(model).get("_hparams_initial", {}).update(max_lr=initial)


class _Sweep(L.Callback):
    """Sets a rate for each step of the optimizer and notes its loss, until it runs away.

    Args:
        rates: Of the last group.
    """

    def __init__(self, rates: list[float]) -> None:
        self.rates, self.losses = rates, list[float]()
        self.window: list[Tensor] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        peaks = [_peak(group) for group in trainer.optimizers[0].param_groups]
        self.ratios = [peak / peaks[-1] if peaks[-1] > 0 else 1.0 for peak in peaks]
        self.step = trainer.global_step
        for config in trainer.lr_scheduler_configs:  # a model may still ask for its schedule, so it stays but rests
            config.interval = "never"
        self._set_rate(trainer)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if outputs:  # nothing where the training step returned None
            self.window.append(outputs["loss"])
        if trainer.global_step == self.step or not self.window:
            return
        # Lightning has divided each loss by the number of batches of a full window
        loss = trainer.accumulate_grad_batches * torch.stack(self.window).float().mean()
        self.losses.append(float(trainer.strategy.reduce(loss, reduce_op="mean")))
        self.window, self.step = [], trainer.global_step
        if has_run_away(self.losses):
            trainer.should_stop = True
        elif len(self.losses) < len(self.rates):
            self._set_rate(trainer)

    def _set_rate(self, trainer: L.Trainer) -> None:
        rate = self.rates[len(self.losses)]
        for group, ratio in zip(trainer.optimizers[0].param_groups, self.ratios, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(ratio * rate)
            else:
                group["lr"] = ratio * rate


def _peak(group: dict[str, Any]) -> float:
    """The highest rate that a group is to reach: where its schedule says so, else the one it starts with."""
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))
