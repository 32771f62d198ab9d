"""One layer in each library: functions that run it forward and, where the library trains, backward.

Each ``make_…`` takes the path of a little net (see ``layer_cases``) and returns its passes by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cortado import Net, Phase

Passes = dict[str, Callable[[], Any]]
NAMES = ["native", "pytorch", "pytorch_channels_last", "onnxruntime_", "opencv"]


def make(contender: str, path: str, threads: int) -> Passes:
    """The passes of *contender*; ImportError where its library is not there."""
    if contender == "native":
        return _native(path, threads)
    if contender.startswith("pytorch"):
        layout = "channels_last" if contender.endswith("channels_last") else "contiguous_format"
        return _pytorch(path, threads, layout)
    return {"onnxruntime_": _onnxruntime, "opencv": _opencv}[contender](path, threads)


def _inputs(net: Net) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(net.blobs[name].shape).astype(np.float32) for name in net.inputs}


def _native(path: str, threads: int) -> Passes:
    from cortado.engines import get_engine

    engine = get_engine("native")
    if threads:
        engine.set_threads(threads)  # type: ignore[attr-defined]
    net = Net(path, Phase.TRAIN, engine=engine)
    for name, array in _inputs(net).items():
        net.blobs[name].data[...] = array
    top = net.blobs["top"]
    top.diff[...] = np.random.default_rng(1).standard_normal(top.shape)
    first = len(net.inputs)
    return {"forward": lambda: net.forward(first), "backward": lambda: net.backward(end=first)}


def _pytorch(path: str, threads: int, layout: str) -> Passes:
    import torch

    from benchmarks.contenders.pytorch import Model

    if threads:
        torch.set_num_threads(threads)
    memory = getattr(torch, layout)
    model = Model(path, True, memory)
    arrays = _inputs(Net(path, Phase.TRAIN, engine="reference"))

    def tensor(array: np.ndarray[Any, Any]) -> Any:
        made = torch.from_numpy(array)
        made = made.contiguous(memory_format=memory) if made.ndim == 4 else made
        return made.requires_grad_()

    leaves = {name: tensor(array) for name, array in arrays.items()}

    def forward() -> Any:
        blobs = dict(leaves)
        for op in model.ops:
            op(blobs)
        return blobs.get("top", blobs["data"])

    top = forward()
    gradient = torch.randn_like(top)
    wanted = [*leaves.values(), *model.params]
    return {"forward": forward, "backward": lambda: torch.autograd.grad(top, wanted, gradient, retain_graph=True)}


def _onnxruntime(path: str, threads: int) -> Passes:
    import onnxruntime
    from onnx import TensorProto, helper

    from benchmarks.contenders.onnxruntime_ import Graph

    net = Net(path, engine="reference")
    arrays, graph = _inputs(net), Graph(net)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in arrays.items()]
    outputs = [helper.make_tensor_value_info(graph.output, TensorProto.FLOAT, None)]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "layer", inputs, outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 19)],
        ir_version=9,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return {"forward": lambda: session.run(None, arrays)}


def _opencv(path: str, threads: int) -> Passes:
    from benchmarks.contenders.opencv import imported

    net = Net(path, engine="reference")
    arrays, other = _inputs(net), imported(net, threads)

    def forward() -> None:
        for name, array in arrays.items():
            other.setInput(array, name)
        other.forward()

    return {"forward": forward}
