"""An exported model without torch: onnxruntime, NumPy, OpenCV and Pillow; spaCy for texts.

```python
from triptych.runtime import load

model = load("exported/")
result = model("street.jpg")
result.overlay().save("overlay.png")
```
"""

from triptych.runtime.model import Model, load
from triptych.runtime.results import CategoryResult, ImageResult, MaskResult, PointResult, Result, TagResult

__all__ = ["CategoryResult", "ImageResult", "MaskResult", "Model", "PointResult", "Result", "TagResult", "load"]
