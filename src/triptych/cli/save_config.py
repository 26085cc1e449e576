"""The configuration that a fit leaves in its run folder."""

from typing import Any

import lightning as L
from lightning.pytorch.cli import SaveConfigCallback

from triptych.files import atomic_save
from triptych.runs.folder import folder_logger, is_in, own_folder, settle_folder
from triptych.runs.layout import RunLayout


class SaveFitConfig(SaveConfigCallback):
    """Saves the configuration in the run folder, for a fit only; that of another run is not replaced."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit":
            self._check_processes(trainer)
            settle_folder(trainer)
            super().setup(trainer, pl_module, stage)

    def _check_processes(self, trainer: L.Trainer) -> None:
        """Checks that all processes go on with the same run, as each has looked for it on its own."""
        own = str(self.config.get("ckpt_path")), str(self.config.trainer.logger)
        first = trainer.strategy.broadcast(own)
        if not trainer.strategy.reduce_boolean_decision(own == first):
            raise ValueError(
                f"ckpt_path: expected all processes to go on with the same run, got {first[0]} in the first one, but "
                "another in another; give its checkpoint as --ckpt_path."
            )

    def save_config(self, trainer: Any, pl_module: Any, stage: str) -> None:
        path = RunLayout(own_folder(trainer)).config
        resumes = is_in(self.config.get("ckpt_path"), path.parent)
        if folder_logger(trainer) is None and path.exists() and not resumes:  # with one, `no_empty_run` has looked
            raise FileExistsError(f"{path}: another run is in this folder; give the logger another version.")
        path.parent.mkdir(parents=True, exist_ok=True)
        # by place: the fourth argument, which keeps null values, is `skip_none` in older versions of jsonargparse
        atomic_save(path, lambda part: self.parser.save(self.config, part, "parser_mode", False))
