"""An exported model without torch: onnxruntime, NumPy, OpenCV and Pillow.

```python
from triptych.runtime import load

model = load("exported/")
result = model("street.jpg")
result.overlay().save("overlay.png")
```
"""

from triptych.runtime.model import Model, load
from triptych.runtime.results import MaskResult, PointResult, Result, TagResult

__all__ = ["MaskResult", "Model", "PointResult", "Result", "TagResult", "load"]
