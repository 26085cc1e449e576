"""A run as a folder that needs neither torch nor this package: ONNX, safetensors, JSON and a model card."""

from triptych.export.write import export_model

__all__ = ["export_model"]
