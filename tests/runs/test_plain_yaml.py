"""A run's YAML becomes plain values; tags of Python are neither imported nor called."""

from pathlib import Path

import pytest
import yaml

from triptych.runs.plain_yaml import read_yaml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hparams.yaml"


def test_what_a_logger_writes_is_read_as_it_was(file: Path) -> None:
    values = {"max_lr": (1e-4, 1e-2), "tags": ["a", "b"], "nested": {"a": None, 2: (True, ("x",))}}
    file.write_text(yaml.dump(values))
    assert read_yaml(file) == values


@pytest.mark.parametrize("content", ["", "{}", "# nothing\n"])
def test_a_file_without_values_is_an_empty_mapping(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_yaml(file) == {}


def test_an_object_of_python_becomes_its_name(file: Path, trap: str) -> None:
    file.write_text(
        f"a: !!python/object/apply:os.system ['touch {file}.ran']\n"
        f"b: !!python/object:{trap} {{}}\n"
        f"c: !!python/name:{trap}\n"
        f"d: !!python/module:{trap.rpartition('.')[0]}\n"
        "e: !!python/object/new:pathlib.PosixPath [data]\n"
    )
    module = trap.rpartition(".")[0]
    assert read_yaml(file) == {"a": "os.system", "b": trap, "c": trap, "d": module, "e": "pathlib.PosixPath"}
    assert not list(file.parent.glob("*.ran"))


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"a: [1", "expected YAML, got while parsing a flow sequence"),
        (b"\xff\xfe\xfa", "expected YAML, got 'utf-8' codec"),
        (b"- 1", "expected a mapping, got list"),
        (b"a: !other 1", "expected YAML, got could not determine a constructor for the tag '!other'"),
    ],
)
def test_another_file_is_reported_in_one_line(file: Path, content: bytes, got: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        read_yaml(file)
    assert str(caught.value).startswith(f"{file}: {got}")
