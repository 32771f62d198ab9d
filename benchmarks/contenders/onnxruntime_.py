"""ONNX Runtime on the CPU, with all its graph optimizations; inference only. The graph is written node by node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from cortado import Net


class Graph:
    """The nodes and the weights of one net."""

    def __init__(self, net: Net) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        names: dict[str, str] = {}  # in-place layers write a blob of the same name again: ONNX wants new ones
        for layer in net.definition.layer:
            bottoms = [names.get(name, name) for name in layer.bottom]
            if layer.type == "Split":
                names |= dict.fromkeys(layer.top, bottoms[0])
            elif layer.type == "Dropout":
                names[layer.top[0]] = bottoms[0]
            elif layer.type != "Input":
                weights = [self.weight(layer.name, i, b.data) for i, b in enumerate(net.params.get(layer.name, []))]
                names[layer.top[0]] = getattr(self, f"_{layer.type.lower()}")(layer, bottoms, weights)
        self.output = names[net.outputs[0]]

    def weight(self, layer: str, index: int, array: np.ndarray[Any, Any]) -> str:
        name = f"{layer}.{index}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _convolution(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        p = layer.convolution_param
        stride, pad = (p.stride[0] if p.stride else 1), (p.pad[0] if p.pad else 0)
        return self.node("Conv", bottoms + weights, strides=[stride] * 2, pads=[pad] * 4, group=p.group)

    def _innerproduct(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        return self.node("Gemm", [self.node("Flatten", bottoms), *weights], transB=1)

    def _relu(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        return self.node("Relu", bottoms)

    def _pooling(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        p = layer.pooling_param
        if p.global_pooling:
            return self.node("GlobalAveragePool", bottoms)
        extra = {} if p.pool == 0 else {"count_include_pad": 1}
        size = {"kernel_shape": [p.kernel_size] * 2, "strides": [p.stride] * 2, "pads": [p.pad] * 4}
        return self.node("MaxPool" if p.pool == 0 else "AveragePool", bottoms, ceil_mode=1, **size, **extra)

    def _lrn(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        p = layer.lrn_param
        if p.norm_region == 0:
            return self.node("LRN", bottoms, size=p.local_size, alpha=p.alpha, beta=p.beta, bias=p.k)
        square, half = self.node("Mul", bottoms * 2), p.local_size // 2
        mean = self.node("AveragePool", [square], kernel_shape=[p.local_size] * 2, pads=[half] * 4, count_include_pad=1)
        numbers = (1.0, p.alpha, -p.beta)
        one, alpha, beta = (self.weight(layer.name, i, np.array(v, np.float32)) for i, v in enumerate(numbers))
        scale = self.node("Add", [self.node("Mul", [mean, alpha]), one])
        return self.node("Mul", [bottoms[0], self.node("Pow", [scale, beta])])

    def _batchnorm(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        mean, var = (np.zeros_like(numpy_helper.to_array(w)) for w in self.weights[-3:-1])
        ones = [np.ones_like(mean), np.zeros_like(mean), mean, var + 1]
        return self.node(
            "BatchNormalization", bottoms + [self.weight(layer.name, 3 + i, a) for i, a in enumerate(ones)]
        )

    def _scale(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        shaped = []
        for i, name in enumerate(weights):
            array = next(numpy_helper.to_array(w) for w in self.weights if w.name == name)
            shaped.append(self.weight(layer.name, 2 + i, array.reshape(-1, 1, 1)))
        return self.node("Add", [self.node("Mul", [bottoms[0], shaped[0]]), shaped[1]])

    def _concat(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        return self.node("Concat", bottoms, axis=1)

    def _eltwise(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        return self.node("Add", bottoms)

    def _softmax(self, layer: Any, bottoms: list[str], weights: list[str]) -> str:
        return self.node("Softmax", bottoms, axis=1)


def make(model: str, mode: str, threads: int) -> tuple[Callable[[], None], str]:
    net = Net(model, engine="reference")
    shape = list(net.blobs["data"].shape)
    graph = Graph(net)
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "net",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(graph.output, TensorProto.FLOAT, None)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 19)],
        ir_version=9,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return lambda: (session.run(None, {"data": data}), None)[1], f"ONNX Runtime {onnxruntime.__version__}"
