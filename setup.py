"""Adds a copy of `configs/` to the package that is built; all other settings are in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Builds the package; an editable install reads `configs/` where it is."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree("configs", Path(self.build_lib, "triptych", "configs"), dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithConfigs})
