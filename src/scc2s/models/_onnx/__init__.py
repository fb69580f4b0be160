"""Models on ONNX Runtime. Nothing here imports torch or transformers, but for the export when it is called."""

from ._export import export_onnx

__all__ = ["export_onnx"]
