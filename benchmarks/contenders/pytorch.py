"""PyTorch in eager mode: the same net, layer by layer, from the same prototxt.

BatchNorm and the Scale behind it become one batch_norm, ReLU and Dropout run in place where the file has it so, and the
optimizer is the fused SGD: the best form that eager PyTorch has for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - everybody's name for it

from cortado import Net, Phase

Blobs = dict[str, torch.Tensor]
Op = Callable[[Blobs], None]


class Model:
    """A list of functions over named tensors, and the parameters they use."""

    def __init__(self, path: str, train: bool, layout: torch.memory_format) -> None:
        net = Net(path, Phase.TRAIN if train else Phase.TEST, engine="reference")
        self.train, self.layout = train, layout
        self.params: list[torch.Tensor] = []
        self.ops: list[Op] = []
        self.losses: list[tuple[str, float]] = []
        self.shape = tuple(net.blobs["data"].shape)
        layers = list(net.definition.layer)
        names: dict[str, str] = {}
        skip: set[str] = set()
        for at, layer in enumerate(layers):
            if layer.type == "Split":
                names |= {top: names.get(layer.bottom[0], layer.bottom[0]) for top in layer.top}
                continue
            if layer.type in ("DummyData", "Input") or layer.name in skip:
                continue
            bottoms = [names.get(name, name) for name in layer.bottom]
            if layer.type == "BatchNorm":
                scale = layers[at + 1]
                skip.add(scale.name)
                self._batch_norm(net, layer, scale, bottoms[0])
            else:
                getattr(self, f"_{layer.type.lower()}")(net, layer, bottoms)

    def _param(self, net: Net, layer: Any, index: int) -> torch.Tensor:
        tensor = torch.from_numpy(net.params[layer.name][index].data.copy())
        if tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=self.layout)
        tensor.requires_grad_(self.train)
        self.params.append(tensor)
        return tensor

    def _convolution(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        p = layer.convolution_param
        weight = self._param(net, layer, 0)
        bias = self._param(net, layer, 1) if p.bias_term else None
        stride, pad = (p.stride[0] if p.stride else 1), (p.pad[0] if p.pad else 0)
        top, bottom, groups = layer.top[0], bottoms[0], p.group

        def run(b: Blobs) -> None:
            b[top] = F.conv2d(b[bottom], weight, bias, stride, pad, 1, groups)

        self.ops.append(run)

    def _innerproduct(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        weight, bias = self._param(net, layer, 0), self._param(net, layer, 1)
        top, bottom = layer.top[0], bottoms[0]

        def run(b: Blobs) -> None:
            b[top] = F.linear(b[bottom].flatten(1), weight, bias)

        self.ops.append(run)

    def _relu(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top, bottom = layer.top[0], bottoms[0]

        def run(b: Blobs) -> None:
            b[top] = F.relu_(b[bottom]) if top == bottom else F.relu(b[bottom])

        self.ops.append(run)

    def _dropout(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top, bottom, ratio, train = layer.top[0], bottoms[0], layer.dropout_param.dropout_ratio, self.train

        def run(b: Blobs) -> None:
            b[top] = F.dropout(b[bottom], ratio, train)

        self.ops.append(run)

    def _pooling(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        p, top, bottom = layer.pooling_param, layer.top[0], bottoms[0]
        if p.global_pooling:
            self.ops.append(lambda b: b.__setitem__(top, F.adaptive_avg_pool2d(b[bottom], 1)))
            return
        pool = F.max_pool2d if p.pool == 0 else F.avg_pool2d
        self.ops.append(lambda b: b.__setitem__(top, pool(b[bottom], p.kernel_size, p.stride, p.pad, ceil_mode=True)))

    def _lrn(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        p, top, bottom = layer.lrn_param, layer.top[0], bottoms[0]
        size, alpha, beta = p.local_size, p.alpha, p.beta

        def across(b: Blobs) -> None:
            b[top] = F.local_response_norm(b[bottom], size, alpha, beta, p.k)

        def within(b: Blobs) -> None:
            x = b[bottom]
            b[top] = x * (1 + alpha * F.avg_pool2d(x * x, size, 1, size // 2)) ** -beta

        self.ops.append(within if p.norm_region == 1 else across)

    def _batch_norm(self, net: Net, layer: Any, scale: Any, bottom: str) -> None:
        weight, bias, train = self._param(net, scale, 0), self._param(net, scale, 1), self.train
        mean, var = torch.zeros_like(weight), torch.ones_like(weight)
        mean.requires_grad_(False)
        var.requires_grad_(False)

        def run(b: Blobs) -> None:
            b[bottom] = F.batch_norm(b[bottom], mean, var, weight, bias, train, 0.1, 1e-5)

        self.ops.append(run)

    def _concat(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top = layer.top[0]
        self.ops.append(lambda b: b.__setitem__(top, torch.cat([b[name] for name in bottoms], 1)))

    def _eltwise(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top, (first, second) = layer.top[0], bottoms
        self.ops.append(lambda b: b.__setitem__(top, b[first] + b[second]))

    def _softmax(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top, bottom = layer.top[0], bottoms[0]
        self.ops.append(lambda b: b.__setitem__(top, F.softmax(b[bottom].flatten(1), 1)))

    def _softmaxwithloss(self, net: Net, layer: Any, bottoms: list[str]) -> None:
        top, (scores, labels) = layer.top[0], bottoms
        weight = layer.loss_weight[0] if layer.loss_weight else 1.0
        self.losses.append((top, weight))
        self.ops.append(lambda b: b.__setitem__(top, F.cross_entropy(b[scores].flatten(1), b[labels])))

    def __call__(self, data: torch.Tensor, label: torch.Tensor) -> Blobs:
        blobs = {"data": data, "label": label}
        for op in self.ops:
            op(blobs)
        return blobs


def make(model: str, mode: str, threads: int, layout: str = "contiguous_format") -> tuple[Callable[[], None], str]:
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    memory = getattr(torch, layout)
    net = Model(model, mode == "train", memory)
    data = torch.randn(net.shape).contiguous(memory_format=memory)
    label = torch.randint(0, 10, net.shape[:1])
    about = f"PyTorch {torch.__version__}, eager, {layout}, {torch.get_num_threads()} threads"
    if mode != "train":

        def infer() -> None:
            with torch.inference_mode():
                net(data, label)

        return infer, about
    optimizer = torch.optim.SGD(net.params, lr=0.001, momentum=0.9, weight_decay=0.0005, fused=True)

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        blobs = net(data, label)
        sum(weight * blobs[name] for name, weight in net.losses).backward()
        optimizer.step()

    return train, about
