"""Files: the layer's definition and its learned blobs survive being written and read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CortadoError, MissingExtraError
from ...layers import Array
from ...netdef import Net
from ...proto import Schema, format_text, parse_text
from ..cases import Subject, fill_params
from ..layers import FILE
from .check import ConformanceError, compare_all, require


def definition(subject: Subject) -> None:
    """The definition, written as text and as binary and read again, is the same and makes the same net."""
    written = _net(subject, _message(subject)).definition
    expected = _tops(_net(subject, written), subject)
    binary = type(written).FromString(written.SerializeToString())
    text = parse_text(format_text(written), type(written), FILE).message
    for how, message in (("binary", binary), ("text", text)):
        require(message == written, f"the definition is another one when it was written as {how} and read again")
        compare_all(f"a net read from {how} differs in top {{}}", _tops(_net(subject, message), subject), expected)


def save_load(subject: Subject) -> None:
    """Learned blobs that were saved and loaded give the same results."""
    message = _message(subject)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".caffemodel", ".caffemodel.h5"):
            path = Path(folder, f"net{suffix}")
            net, other = _net(subject, message), _net(subject, message, seed=4)
            for layer in net.layers:
                fill_params(layer)
            try:
                net.save(path)
                report = other.load(path, strict=True)
            except MissingExtraError:
                continue
            except CortadoError as error:
                raise ConformanceError(f"what was saved cannot be loaded: {error}") from error
            require(not report.names("skipped", "ignored", "initialised"), f"loading what was saved: {report}")
            compare_all(
                f"after saving and loading {suffix}, top {{}} differs", _tops(other, subject), _tops(net, subject)
            )


def _message(subject: Subject) -> Any:
    """A net of Input layers and the layer."""
    message: Any = (Schema.of(subject.config) or subject.plugins.schema()).message("NetParameter")()
    names = list(subject.config.bottom)
    for name, value in dict(zip(names, subject.inputs, strict=True)).items():
        layer = message.layer.add(name=f"input {name}", type="Input", top=[name])
        layer.input_param.shape.add(dim=value.shape)
    message.layer.add().CopyFrom(subject.config)
    message.layer[-1].ClearField("phase")
    return message


def _net(subject: Subject, message: Any, seed: int = 3) -> Net:
    case = subject.case
    options = {k: v for k, v in case.options.items() if k in ("allow_python_layers", "folder")}
    try:
        return Net(message, case.phase, engine="reference", seed=seed, plugins=subject.plugins, **options)
    except CortadoError as error:
        raise ConformanceError(f"the layer cannot be built in a net: {error}") from error


def _tops(net: Net, subject: Subject) -> list[Array]:
    """The tops of the layer for the inputs of the case, from its first state."""
    for name, value in zip(subject.config.bottom, subject.inputs, strict=True):
        net.blob(name).data[...] = value
    layer = net.layers[net.layer_names.index(subject.config.name)]
    layer.rng = np.random.default_rng(9)
    step = net.steps[net.layer_names.index(subject.config.name)]
    net.forward()
    return [blob.data.copy() for blob in step.top]
