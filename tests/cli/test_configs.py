"""The shipped configurations are found by name, whatever the current folder, and can be copied."""

from pathlib import Path

import pytest
from command_line import CONFIGS, QUIET, fails, files, printed_by

from triptych.cli import main
from triptych.cli.configs import shipped_configs, with_shipped_configs

pytestmark = QUIET


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder without configurations."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_of_the_repository_is_shipped() -> None:
    assert sorted(shipped_configs().values()) == sorted(CONFIGS.rglob("*.*"))


@pytest.mark.parametrize(
    ("command", "name", "file"),
    [
        ("fit", "camvid", "camvid.yaml"),
        ("recipe", "camvid", "recipes/camvid.yaml"),
        ("recipe", "camvid_quick", "recipes/camvid_quick.yaml"),
        ("validate", "camvid_quick", "recipes/camvid_quick.yaml"),
        ("fit", "recipes/planet", "recipes/planet.yaml"),
    ],
)
def test_a_name_stands_for_a_shipped_file(command: str, name: str, file: str) -> None:
    path = str(CONFIGS / file)
    for option in ("--config", "-c"):
        assert with_shipped_configs([command, option, name, "--data.root", "camvid"]) == (
            [command, option, path, "--data.root", "camvid"]
        )
        assert with_shipped_configs([command, f"{option}={name}"]) == [command, f"{option}={path}"]


def test_files_and_yaml_stay_as_they_are(elsewhere: Path) -> None:
    (elsewhere / "camvid").touch()
    for value in ("camvid", "camvid.yaml", "configs/camvid.yaml", "{seed_everything: 1}", "seed_everything: 1"):
        assert with_shipped_configs(["fit", "--config", value]) == ["fit", "--config", value]


def test_a_fit_reads_the_configuration_of_a_name_even_beside_a_folder_of_that_name(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "biwi").mkdir()
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--config", "biwi", "--print_config"])
    assert "class_path: triptych.BIWIDataModule" in capsys.readouterr().out


def test_an_unknown_name_is_answered_with_the_shipped_ones() -> None:
    fails(["fit", "--config", "cityscapes"], r"config: expected a YAML file, or one of biwi, .*, recipes/planet_quick, "
          r"got cityscapes\.")  # fmt: skip


def test_configs_are_copied_into_a_new_folder_only(elsewhere: Path) -> None:
    assert printed_by(["configs", "mine"]) == "configs: mine\n"
    assert files(elsewhere / "mine") == files(CONFIGS)
    (elsewhere / "mine" / "camvid.yaml").write_text("changed")
    fails(["configs", "mine"], r"configs: mine is not empty, it holds 'biwi\.yaml' .*")
    assert (elsewhere / "mine" / "camvid.yaml").read_text() == "changed"
    assert files(elsewhere) == {"mine", *(f"mine/{name}" for name in files(CONFIGS))}


@pytest.mark.parametrize("command", ["configs", "configs one two", "configs --force"])
def test_configs_without_one_folder_is_refused(command: str) -> None:
    fails(command.split(), r"expected `triptych configs DIR`, got .*\.")
