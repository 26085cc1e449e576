"""The course's random brightness and contrast, computed on log-odds so that nothing clips.

Source: fastai 1.0, `vision/transform.py` (`brightness`, `contrast`) and `get_transforms`.
"""

from typing import Any

import albumentations as A
import cv2
import numpy as np
import numpy.typing as npt

_VALUES = np.clip(np.arange(256) / 255, 1e-7, 1 - 1e-7)
_LOG_ODDS = np.log(_VALUES / (1 - _VALUES))


def lighting_table(brightness: float, contrast: float) -> npt.NDArray[np.uint8]:
    """Lookup table with the new value of each of the 256 pixel values.

    Args:
        brightness: New value of a mid-grey pixel, before contrast, in (0, 1); 0.5 changes nothing.
        contrast: Factor on the log-odds of a pixel, brightness included; 1 changes nothing.

    Shape: result uint8 (256,).
    """
    logit = (_LOG_ODDS + np.log(brightness / (1 - brightness))) * contrast
    return np.asarray(np.rint(255 / (1 + np.exp(-logit))), dtype=np.uint8)


class LessonLighting(A.ImageOnlyTransform):
    """Random brightness and contrast, drawn independently.

    Args:
        max_lighting: Limit of both: mid-grey becomes 0.5 * (1 +- max_lighting) at most; the contrast factor is
            log-uniform between 1 - max_lighting and its inverse.
        p_lighting: Probability of each of the two.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        max_lighting: float
        p_lighting: float

    def __init__(self, max_lighting: float, p_lighting: float, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.max_lighting, self.p_lighting = max_lighting, p_lighting

    def get_params(self) -> dict[str, Any]:
        rng, brightness, contrast = self.py_random, 0.5, 1.0
        if rng.random() < self.p_lighting:
            brightness = rng.uniform(0.5 * (1 - self.max_lighting), 0.5 * (1 + self.max_lighting))
        if rng.random() < self.p_lighting:
            contrast = (1 - self.max_lighting) ** rng.uniform(-1, 1)
        return {"table": lighting_table(brightness, contrast)}

    def apply(self, img: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8], **params: Any) -> npt.NDArray[np.uint8]:
        return np.asarray(cv2.LUT(img, table), dtype=np.uint8)
