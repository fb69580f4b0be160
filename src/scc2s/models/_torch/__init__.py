"""Models on PyTorch, through transformers."""

from ._model import TorchModel

__all__ = ["TorchModel"]
