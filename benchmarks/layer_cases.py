"""The distinct layers of a net, each as a little net of its own: inputs, and the layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf import text_format

from cortado import Net, Phase
from cortado.netdef.step_cost import backward_work, forward_work

TYPES = {
    "Convolution", "InnerProduct", "Pooling", "LRN", "BatchNorm", "ReLU", "Concat", "Eltwise", "Softmax",
    "SoftmaxWithLoss",
}  # fmt: skip


@dataclass
class LayerCase:
    """*text*, a net with the blobs ``data``, ``data1``, … and a last layer with the top ``top``, never in place;
    *times*, how often it stands in the net, first as the layer *name*; *words* say what it is and of what sizes."""

    net: str
    name: str
    kind: str
    words: str
    text: str
    times: int
    forward_operations: int
    forward_bytes: int
    backward_operations: int
    backward_bytes: int

    def told(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "text"}


def layer_cases(path: str, net_name: str) -> list[LayerCase]:
    """The layers of the net at *path* as it is trained. BatchNorm is taken with the Scale behind it; losses by softmax
    are taken without the loss."""
    net = Net(path, Phase.TRAIN, engine="reference")
    found: dict[str, LayerCase] = {}
    for at, step in enumerate(net.steps):
        if step.layer.type not in TYPES:
            continue
        behind = net.steps[at + 1].layer.config if step.layer.type == "BatchNorm" else None
        bottoms = step.bottom[:1] if step.layer.type == "SoftmaxWithLoss" else step.bottom
        shapes = [tuple(blob.shape) for blob in bottoms]
        text = _text(step.layer.config, behind, shapes)
        if text in found:
            found[text].times += 1
            continue
        alone = Net(_parse(text), Phase.TRAIN, engine="reference").steps[len(shapes) :]
        ahead, back = [forward_work(s) for s in alone], [backward_work(s) for s in alone]
        work = [sum(w[i] for w in works) for works in (ahead, back) for i in (0, 1)]
        kind = "BatchNorm + Scale" if behind is not None else step.layer.type.removesuffix("WithLoss")
        found[text] = LayerCase(net_name, step.layer.name, kind, _words(step.layer.config, shapes), text, 1, *work)
    return list(found.values())


def _parse(text: str) -> Any:
    from cortado.plugins import plugin_manager
    from cortado.proto import parse_net

    return parse_net(text, "layer.prototxt", plugin_manager().schema())


def _text(config: Any, behind: Any, shapes: list[tuple[int, ...]]) -> str:
    lines = ["force_backward: true"]
    for index, shape in enumerate(shapes):
        sizes = " ".join(f"dim: {size}" for size in shape)
        name = f"data{index or ''}"
        lines.append(f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {sizes} }} }} }}')
    names = [f"data{index or ''}" for index in range(len(shapes))]
    middle = "top" if behind is None else "middle"
    lines.append(_layer(config, "layer", names, middle))
    if behind is not None:
        lines.append(_layer(behind, "behind", [middle], "top"))
    return "\n".join(lines) + "\n"


def _layer(config: Any, name: str, bottoms: list[str], top: str) -> str:
    made = type(config)()
    made.CopyFrom(config)
    for field in ("bottom", "top", "include", "exclude", "param", "loss_weight", "propagate_down", "blobs", "phase"):
        made.ClearField(field)
    made.name, made.type = name, config.type.removesuffix("WithLoss")
    made.bottom.extend(bottoms)
    made.top.append(top)
    return f"layer {{ {text_format.MessageToString(made, as_one_line=True)} }}"


def _words(config: Any, shapes: list[tuple[int, ...]]) -> str:
    sizes = " + ".join("x".join(map(str, shape)) for shape in shapes[:2]) + (" + …" if len(shapes) > 2 else "")
    if config.type == "Convolution":
        p = config.convolution_param
        stride = p.stride[0] if p.stride else 1
        more = (f"/{stride}" if stride > 1 else "") + (f" in {p.group} groups" if p.group > 1 else "")
        return f"{sizes} to {p.num_output}, {p.kernel_size[0]}x{p.kernel_size[0]}{more}"
    if config.type == "InnerProduct":
        return f"{sizes} to {config.inner_product_param.num_output}"
    if config.type == "Pooling":
        p = config.pooling_param
        kind = ("max", "average", "stochastic")[p.pool]
        return f"{sizes} {kind} {'global' if p.global_pooling else f'{p.kernel_size}x{p.kernel_size}/{p.stride}'}"
    if config.type == "LRN":
        return f"{sizes} {('across', 'within')[config.lrn_param.norm_region]} {config.lrn_param.local_size}"
    return sizes
