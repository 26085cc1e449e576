"""`triptych page` writes one file, and refuses what is no exported model in one line."""

import json
from pathlib import Path

import pytest
from exported_models import write_exported

from triptych.cli import main


def test_page_is_written_and_its_size_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = write_exported(tmp_path / "exported", "point").folder, tmp_path / "new" / "face.html"
    main(["page", str(folder), "--output", str(output)])
    megabytes = output.stat().st_size / 1e6
    assert capsys.readouterr().out == f"page: {output} ({megabytes:.1f} MB)\n" and 4 < megabytes < 8
    main(["page", str(folder)])
    assert (folder / "page.html").read_bytes() == output.read_bytes()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "expected `triptych page DIR [--output FILE]`; the following arguments are required: DIR."),
        (["nowhere"], "nowhere/model.json: no such file; expected the folder of an exported model"),
        (["."], "model.json: expected format 1 of an exported model, got 2."),
    ],
    ids=["nothing", "no folder", "another form"],
)
def test_wrong_folder_ends_in_one_line(
    args: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.json").write_text(json.dumps({"format": 2}), encoding="utf-8")
    with pytest.raises(SystemExit) as exit_:
        main(["page", *args])
    assert message in str(exit_.value) and "\n" not in str(exit_.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
