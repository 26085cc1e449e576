"""A data module that goes on with the next sample when a fit is resumed."""

import contextlib
import warnings
from typing import Any

from lightning.pytorch.utilities import rank_zero_info
from torch.utils.data import DataLoader

from triptych.datamodules.epoch_order import EpochSampler, Position
from triptych.datamodules.micro_batches import MicroBatching
from triptych.datasets.sample import Sample

_OTHER_ORDER = "in an epoch that was begun some samples come twice, others not at all."


class Resuming(MicroBatching):
    """A data module whose checkpoints hold the position of a fit, where the next training loader then begins."""

    seed: int

    def __init__(self) -> None:
        super().__init__()
        self._resume_at: Position | None = None
        self._while_resumed = contextlib.ExitStack()

    def state_dict(self) -> dict[str, int]:
        """Position in the fit: the epoch index, the number of its samples that each process has seen, and the seed.

        `batch_size` is the number of samples that are loaded at once, `train` that of the training samples.
        """
        epochs, batches = self._fit_loop.epoch_progress.current, self._fit_loop.epoch_loop.batch_progress.current
        within = epochs.processed < epochs.ready
        seen = batches.ready * self.micro_batch_size if within else 0
        return {
            **{"epoch": epochs.processed, "samples": seen},
            **{"batch_size": self.micro_batch_size, "seed": self.seed, "train": self.num_train},
        }

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Makes the next fit continue with the next sample."""
        if self._fit_loop.trainer.state.fn == "fit":
            self._resume_at = state_dict["epoch"], state_dict["samples"]
            if (seed := state_dict.get("seed", self.seed)) != self.seed:
                rank_zero_info(
                    f"data.seed: {self.seed} goes before the checkpoint's {seed}, for split, order and augmentation; "
                    f"{_OTHER_ORDER}"
                )
            if (before := state_dict.get("train", self.num_train)) != self.num_train:  # such as new corrections
                rank_zero_info(f"data: {self.num_train} training samples, {before} before; {_OTHER_ORDER}")
            self.resume_batches(state_dict)
            self._while_resumed.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", ".*your dataloader is not resumable")  # Lightning cannot know that it is

    def teardown(self, stage: str) -> None:
        super().teardown(stage)
        self._while_resumed.close()

    def on_exception(self, exception: BaseException) -> None:
        super().on_exception(exception)
        self._while_resumed.close()

    @property
    def _fit_loop(self) -> Any:
        assert self.trainer is not None
        return self.trainer.fit_loop

    def _count_in_own_batches(self, loader: DataLoader[Sample], seen: int) -> None:
        """Makes the fit loop count what was seen in batches of this size, so that it takes all that is left.

        Args:
            loader: The loader of the resumed fit.
            seen: Samples that this process has seen of the epoch.
        """
        assert isinstance(loader.sampler, EpochSampler)
        left = -(-(len(loader.sampler) - seen) // self.micro_batch_size)
        batches = self._fit_loop.epoch_loop.batch_progress.current
        difference = len(loader) - left - batches.ready
        if seen and difference:
            for name in ("ready", "started", "processed", "completed"):
                setattr(batches, name, getattr(batches, name) + difference)
