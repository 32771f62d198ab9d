"""Style: the words and colours of the pictures of nets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .summary import LayerRow

KINDS = {
    "data": "Input Data ImageData HDF5Data MemoryData WindowData DummyData Python Parameter",
    "conv": "Convolution Deconvolution Im2col",
    "full": "InnerProduct Embed LSTM RNN",
    "pool": "Pooling SPP",
    "act": "ReLU PReLU ELU Sigmoid TanH AbsVal BNLL Power Exp Log Clip Swish Threshold Dropout Softmax",
    "norm": "LRN BatchNorm Scale Bias MVN",
    "join": "Concat Eltwise Slice Split Flatten Reshape Crop Tile Reduction ArgMax Filter BatchReindex Silence",
    "loss": "Accuracy",
}
_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}

COLOURS = {
    # kind: light fill, light line, dark fill, dark line
    "data": ("#eceff1", "#78909c", "#2b3338", "#90a4ae"),
    "conv": ("#e3f0fc", "#3f83c4", "#17324d", "#64a6e6"),
    "full": ("#ece6fa", "#7a5cc0", "#2d2350", "#a58ae6"),
    "pool": ("#e2f4ea", "#3d9463", "#163825", "#63bd8a"),
    "act": ("#fdf1dd", "#c48a29", "#41300f", "#e0ac52"),
    "norm": ("#e0f4f5", "#2f9097", "#12373a", "#57b9c0"),
    "join": ("#f3f3ef", "#8b8b78", "#33332c", "#b0b09c"),
    "loss": ("#fde7e7", "#c9504f", "#471c1c", "#ea8180"),
    "other": ("#f5f5f5", "#888888", "#303030", "#b0b0b0"),
}


def category(row: LayerRow) -> str:
    """The kind of colour of a layer."""
    return "loss" if row.is_loss else _KIND_OF.get(row.type, "other")


def _colours(dark: bool) -> str:
    first = 2 if dark else 0
    return "".join(f".{kind} .body{{fill:{c[first]};stroke:{c[first + 1]}}}" for kind, c in COLOURS.items())


STYLE = (
    ".page{fill:#ffffff}.edge{fill:none;stroke:#8a949c;stroke-width:1.2}.arrow{fill:#8a949c}"
    ".body{stroke-width:1.2}.head{font-weight:bold}text{fill:#1d2429}.what{font-weight:normal;fill:#4c5961}"
    ".shape{fill:#5b6870;font-size:10px;stroke:#ffffff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}"
    f"{_colours(False)}.found .body{{stroke-width:4}}"
    "@media (prefers-color-scheme: dark) {"
    ".page{fill:#14181b}.edge{stroke:#6d7a83}.arrow{fill:#6d7a83}text{fill:#e6eaec}.what{fill:#aab6bd}"
    f".shape{{fill:#a3b0b8;stroke:#14181b}}{_colours(True)}"
    "} /* dark */"
)


def details(row: LayerRow) -> str:
    """What a layer does, in a few characters: ``Convolution 64, 7x7 /2 pad 3``."""
    describe = _DETAILS.get(row.type)
    text = describe(row.config) if describe else ""
    return f"{row.type} {text}".rstrip()


def _pair(param: Any, name: str, default: int) -> str:
    """``3x3`` from the fields name_h, name_w, or the repeated or single field (kernel_size, stride, pad)."""
    short = "kernel" if name == "kernel_size" else name
    h, w = getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
    value = getattr(param, name)
    sizes = list(value) if hasattr(value, "__len__") else [value] if param.HasField(name) else []
    if param.HasField(f"{short}_h") or param.HasField(f"{short}_w"):
        sizes = [h, w]
    if not sizes:
        sizes = [default]
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    return "x".join(map(str, sizes))


def _square(text: str) -> str:
    first, _, rest = text.partition("x")
    return first if rest == first else text


def _window(param: Any) -> str:
    kernel, stride, pad = (_pair(param, n, d) for n, d in (("kernel_size", 0), ("stride", 1), ("pad", 0)))
    text = kernel + (f" /{_square(stride)}" if stride != "1x1" else "")
    return text + (f" pad {_square(pad)}" if pad != "0x0" else "")


def _convolution(config: Any) -> str:
    param = config.convolution_param
    extra = f" group {param.group}" if param.group > 1 else ""
    dilation = next((d for d in param.dilation if d > 1), 0)
    return f"{param.num_output}, {_window(param)}{extra}" + (f" dilation {dilation}" if dilation else "")


def _pooling(config: Any) -> str:
    param = config.pooling_param
    name = param.DESCRIPTOR.fields_by_name["pool"].enum_type.values_by_number[param.pool].name
    return f"{name} global" if param.global_pooling else f"{name} {_window(param)}"


def _eltwise(config: Any) -> str:
    param = config.eltwise_param
    name: str = param.DESCRIPTOR.fields_by_name["operation"].enum_type.values_by_number[param.operation].name
    return name


_DETAILS: dict[str, Callable[[Any], str]] = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Pooling": _pooling,
    "Eltwise": _eltwise,
    "InnerProduct": lambda c: str(c.inner_product_param.num_output),
    "Dropout": lambda c: f"{c.dropout_param.dropout_ratio:g}",
    "LRN": lambda c: str(c.lrn_param.local_size),
    "Concat": lambda c: f"axis {c.concat_param.axis}" if c.concat_param.axis != 1 else "",
    "LSTM": lambda c: str(c.recurrent_param.num_output),
    "RNN": lambda c: str(c.recurrent_param.num_output),
}

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>@NAME@</title>
<style>
:root{color-scheme:light dark}
body{margin:0;font:14px/1.4 Helvetica,Arial,sans-serif;background:#fff;color:#1d2429;overflow:hidden}
header{position:fixed;inset:0 0 auto 0;padding:8px 12px;display:flex;gap:12px;flex-wrap:wrap;align-items:center;
background:#ffffffe0;border-bottom:1px solid #d5dbdf}
header b{font-size:15px}header span{color:#5b6870}
input,button{font:inherit;padding:3px 8px}
#view{position:fixed;inset:0;cursor:grab}#view svg{position:absolute;transform-origin:0 0}
@media (prefers-color-scheme: dark){body{background:#14181b;color:#e6eaec}header{background:#14181be0;
border-color:#38434a}header span{color:#a3b0b8}}
</style></head><body>
<div id="view">@SVG@</div>
<header><b>@NAME@</b><span>@NOTE@</span><input id="find" type="search" placeholder="find a layer"
aria-label="find a layer">
<button id="fit">whole</button></header>
<script>
const view=document.getElementById("view"),svg=view.querySelector("svg"),box=svg.viewBox.baseVal;
let s=1,x=0,y=0;
const show=()=>svg.style.transform=`translate(${x}px,${y}px) scale(${s})`;
const top0=()=>document.querySelector("header").offsetHeight;
function start(){s=Math.min(1,innerWidth/box.width);x=(innerWidth-box.width*s)/2;y=top0();show()}
function fit(){s=Math.min(innerWidth/box.width,(innerHeight-top0())/box.height);
x=(innerWidth-box.width*s)/2;y=top0();show()}
view.addEventListener("wheel",e=>{e.preventDefault();if(e.ctrlKey||e.metaKey){const k=Math.exp(-e.deltaY*.005);
x=e.clientX-(e.clientX-x)*k;y=e.clientY-(e.clientY-y)*k;s*=k}else{x-=e.deltaX;y-=e.deltaY}show()},{passive:false});
const at=new Map();let gap=0;
view.addEventListener("pointerdown",e=>{at.set(e.pointerId,[e.clientX,e.clientY]);view.setPointerCapture(e.pointerId)});
view.addEventListener("pointermove",e=>{const p=at.get(e.pointerId);if(!p)return;
if(at.size===1){x+=e.clientX-p[0];y+=e.clientY-p[1]}at.set(e.pointerId,[e.clientX,e.clientY]);
if(at.size===2){const[a,b]=[...at.values()],d=Math.hypot(a[0]-b[0],a[1]-b[1]);if(gap){const k=d/gap,cx=(a[0]+b[0])/2,
cy=(a[1]+b[1])/2;x=cx-(cx-x)*k;y=cy-(cy-y)*k;s*=k}gap=d}show()});
for(const n of["pointerup","pointercancel"])view.addEventListener(n,e=>{at.delete(e.pointerId);gap=0});
document.getElementById("fit").onclick=fit;
document.getElementById("find").oninput=e=>{const q=e.target.value.toLowerCase();let first=null;
for(const g of svg.querySelectorAll("g.box")){const hit=q&&g.textContent.toLowerCase().includes(q);
g.classList.toggle("found",hit);if(hit&&!first)first=g}
if(first){const b=first.querySelector("rect");s=Math.max(s,.7);
x=innerWidth/2-s*(+b.getAttribute("x")+b.getAttribute("width")/2);
y=innerHeight/2-s*b.getAttribute("y");show()}};
start();
</script></body></html>
"""
