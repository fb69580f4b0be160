"""Weights of matrix products in 8 bits."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def quantise(plain: Path, path: Path) -> None:
    """Replace a graph by one with weights of matrix products in 8 bits."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(plain)
    kept = _untie(model.graph)
    del model.graph.value_info[:]  # shapes noted before weights are turned, which the quantiser would trip over
    onnx.save_model(model, plain, save_as_external_data=True, location="bare.onnx.data")
    del model
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it asks for a step that these graphs do not need
    try:
        quantize_dynamic(
            plain, path, op_types_to_quantize=["MatMul", "Gemm"], nodes_to_exclude=kept, per_channel=True,
            weight_type=QuantType.QInt8, reduce_range=True, use_external_data_format=True,
        )  # fmt: skip
    finally:
        logging.getLogger().setLevel(level)
    for part in (*plain.parent.glob("plain.onnx*"), plain.with_name("bare.onnx.data")):
        part.unlink()


def _untie(graph: Any) -> list[str]:
    """Names of the products with an embedding matrix, which is looked up as well and so stays as it is.

    The quantiser would turn the matrix around in place for them, look-up or not; so they get a turned one of their own.
    """
    from onnx import helper

    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    for i, node in enumerate(graph.node):
        if node.op_type == "Gemm" and node.input[1] in looked_up:
            turned = f"{node.input[1]}_turned"
            product = helper.make_node("MatMul", [node.input[0], turned], node.output, name=node.name)
            turn = helper.make_node("Transpose", [node.input[1]], [turned], name=turned, perm=[1, 0])
            node.CopyFrom(product)
            graph.node.insert(i, turn)
            return [product.name]
    return []
