"""What is in the page: one script, no address of others, words that are escaped, and the files of onnxruntime-web."""

import gzip
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from exported_models import write_exported

from triptych.errors import BadSampleError
from triptych.exported import DataCard, ExportedFolder
from triptych.serve.page import page_html
from triptych.serve.web_files import PAGE_SCRIPTS, WORKER_SCRIPTS, bundled, packed_runtime, text_of, vendor_card

ODD = "<b> & \"x\" 'y' </script>"


def _changed(folder: Path, task: str, **values: object) -> ExportedFolder:
    exported = write_exported(folder, task)
    changed = replace(exported.read(), **values)  # type: ignore[arg-type]
    exported.manifest.write_text(changed.text(), encoding="utf-8")
    return exported


def test_files_of_onnxruntime_are_those_of_its_package() -> None:
    for packed, card in zip(packed_runtime(), vendor_card()["files"].values(), strict=True):
        content = gzip.decompress(packed)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (card["sha256"], card["bytes"])
    assert "MIT License" in text_of("vendor/LICENSE")


@pytest.mark.parametrize("names", [PAGE_SCRIPTS, WORKER_SCRIPTS], ids=["page", "worker"])
def test_modules_share_no_name_and_stand_below_what_they_import(names: tuple[str, ...]) -> None:
    defined = re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", bundled(names), re.MULTILINE)
    assert len(defined) == len({*defined}) > 5
    for index, name in enumerate(names):
        imported = re.findall(r'^import .* from "./(\w+).js";$', text_of(f"{name}.js"), re.MULTILINE)
        assert {*imported} <= {*names[:index]}, name
    assert "import {" not in bundled(names) and "export" not in bundled(names).split()


@pytest.mark.parametrize("offline", [True, False])
def test_page_says_what_the_model_is_and_how_it_scored_on_which_split(offline: bool, tmp_path: Path) -> None:
    html = page_html(write_exported(tmp_path / "model", "mask"), offline, corrections=True)
    assert "gives each pixel one of 3 classes: sky, road, tree." in html
    assert "On 4 images that it was not trained on (valid.txt): accuracy 0.750." in html
    assert "made-up, 8 images" in html and "32 x 24 pixels" in html
    assert ("sends no request" in html) == offline
    assert re.findall(r'(?:src|href)="[^#]', html) == [] and "http://" not in html.replace("http://www.w3.org", "")


def test_names_of_a_model_are_escaped(tmp_path: Path) -> None:
    odd = _changed(tmp_path / "model", "labels", names=[ODD, "water", "road"], data=DataCard(ODD, ODD, 1, ODD, ODD))
    html = page_html(odd, offline=False, corrections=False)
    assert "<b>" not in html.replace("<b>Choose an image</b>", "") and html.count("</script>") == 2
    assert re.search(r'id="wrong" disabled hidden', html)


def test_model_of_other_than_rgb_images_is_refused(tmp_path: Path) -> None:
    exported = _changed(tmp_path / "model", "labels", in_channels=4)
    with pytest.raises(
        BadSampleError, match=r"in_channels: expected 3, since browsers read RGB images alone, got 4; use"
    ):
        page_html(exported, offline=True, corrections=True)


def test_network_that_has_changed_since_its_export_is_refused(tmp_path: Path) -> None:
    exported = write_exported(tmp_path / "model", "mask")
    exported.onnx.write_bytes(b"another")
    with pytest.raises(BadSampleError, match="it has changed since, so export the model again"):
        page_html(exported, offline=True, corrections=True)
