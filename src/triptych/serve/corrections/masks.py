"""Corrected masks: `images/NAME.EXT`, `labels/NAME_P.png` and `codes.txt`, as `CamVidDataModule` reads them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from triptych.errors import BadSampleError
from triptych.images import uploaded_ids
from triptych.serve.answer import mask_png
from triptych.serve.corrections.layout import Layout, Size, text_of

_Mask = npt.NDArray[np.uint8]
_VOID = 255


class MaskLayout(Layout):
    """A class for each pixel; the line numbers of `codes.txt` are the ids. An image counts once its mask is there."""

    given_dir = "images"
    index = "codes.txt"

    def check(self, folder: Path) -> None:
        path = folder / self.index
        found = [line.strip() for line in text_of(path).splitlines() if line.strip()]
        if found and found != self.manifest.names:
            raise BadSampleError(
                f"{path}: expected the classes of the model ({_few(self.manifest.names)}), got {_few(found)}; choose "
                "another folder."
            )

    def label(self, data: bytes, size: Size) -> _Mask:
        ids, number = uploaded_ids(data, "label", size), len(self.manifest.names)
        wrong = ids[(ids >= number) & (ids != _VOID)]
        if wrong.size:
            raise BadSampleError(f"label: expected class ids 0 to {number - 1}, or {_VOID} for void, got {wrong[0]}.")
        return ids.astype(np.uint8, copy=False)

    def files(self, folder: Path, stem: str, given: tuple[str, bytes], label: _Mask) -> dict[Path, bytes]:
        name, content = given
        codes, (mask,) = folder / self.index, self.label_paths(folder, stem)
        index = {} if codes.exists() else {codes: "".join(f"{one}\n" for one in self.manifest.names).encode()}
        return {**index, mask: mask_png(label, self.manifest), self.given_path(folder, name): content}

    def label_paths(self, folder: Path, stem: str) -> list[Path]:
        return [folder / "labels" / f"{stem}_P.png"]


def _few(names: list[str]) -> str:
    return f"{', '.join(names[:3])}{', ...' * (len(names) > 3)}, {len(names)} in all"
