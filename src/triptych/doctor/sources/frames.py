"""Frames and masks of CamVid's layout."""

from triptych.datamodules.camvid import CamVidDataModule
from triptych.datasets.codes import read_codes
from triptych.datasets.files import list_images
from triptych.datasets.label_table import LabelTable
from triptych.datasets.mask_files import MaskFiles
from triptych.datasets.names import SampleNames
from triptych.doctor.attempts import Attempts
from triptych.doctor.inventory import Inventory, MaskLabels
from triptych.doctor.sources.splits import split_names


def street_frames(data: CamVidDataModule) -> Inventory[MaskLabels]:
    """See `take_inventory`."""
    attempt, layout, codes_file = Attempts(data.root), data.layout, data.root / "codes.txt"
    files = MaskFiles(data.root, layout["image_dir"], layout["label_dir"], layout["label_name"])
    image_dir, label_dir = files.image_dir, files.label_dir
    names = attempt("folder", image_dir, files.frames) or []
    codes = attempt("codes", codes_file, lambda: read_codes(codes_file))
    table = None
    if codes is not None:
        table = attempt("label-map", None, lambda: LabelTable(layout["label_map"], codes))
    paths = {name: files.path(name) for name in names}
    expected = {*paths.values(), *(image_dir / name for name in names)}
    masks = list_images(label_dir) if label_dir.is_dir() else []
    unused = [label_dir / mask for mask in masks if label_dir / mask not in expected]
    sample_names = SampleNames(names, image_dir, data.root, noun=data.noun)
    splits = split_names(data, sample_names, attempt) if names else {}
    images = {name: image_dir / name for name in names}
    labels, faults = MaskLabels(label_dir, paths, unused, table), [*attempt.faults()]
    return Inventory(data.root, data.noun, faults, splits, images, labels, data.group, data.scale)
