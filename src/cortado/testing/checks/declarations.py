"""What a layer class says about itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from ...errors import CortadoError
from ...layers import Arity, Layer
from ...plugins import Parameters
from ..cases import Subject
from .check import ConformanceError, NotApplicable, require

EXAMPLE = re.compile(r"^(?P<indent>[ ]*)Example.*::\s*$", re.M)


def declarations(subject: Subject) -> None:
    """The class attributes make sense, and the four calls are there."""
    cls, count = subject.layer_class, len(subject.inputs)
    require(isinstance(cls.type, str) and bool(cls.type), f"'type' must be a name; it is {cls.type!r}")
    for name in ("bottoms", "tops"):
        arity = getattr(cls, name)
        require(
            isinstance(arity, Arity), f"'{name}' must come from exactly(), at_least() or between(); it is {arity!r}"
        )
    require(cls.bottoms.accepts(count), f"the case has {count} bottoms; the class takes {cls.bottoms}")
    wrong = [i for i in cls.no_gradient_to if not isinstance(i, int)]
    require(not wrong, f"'no_gradient_to' holds indices of bottoms; it is {cls.no_gradient_to!r}")
    for name in ("reshape", "forward"):
        require(getattr(cls, name) is not getattr(Layer, name), f"{name}() is missing")
    if cls.backward is Layer.backward and subject.has_backward:
        raise ConformanceError(
            "backward() is missing: write it, derive the class from AutodiffLayer, or say in no_gradient_to that "
            "these bottoms never get a gradient"
        )
    _signatures(cls)
    _parameters(cls)


def _signatures(cls: type[Layer]) -> None:
    for name, wanted in (("setup", 2), ("reshape", 2), ("forward", 2), ("backward", 3)):
        method = getattr(cls, name)
        try:
            inspect.signature(method).bind(None, *[None] * wanted)
        except TypeError as error:
            order = "top, propagate_down, bottom" if wanted == 3 else "bottom, top"
            raise ConformanceError(f"{name}() is called as {name}({order}): {error}") from None


def _parameters(cls: type[Layer]) -> None:
    declared = cls.parameters
    if declared is None:
        return
    require(
        isinstance(declared, type) and issubclass(declared, Parameters),
        f"'parameters' is {declared!r}, no Parameters class",
    )
    require(
        declared.owner == "LayerParameter", f"the parameters of a layer belong to LayerParameter, not {declared.owner}"
    )
    require(cls.param_field is None, "a class has 'parameters' of its own or a stock 'param_field', not both")
    for name, field in declared.fields.items():
        require(bool(field.doc), f"field '{name}' of {declared.field} needs a doc: what it means, in its unit")


def docstring(subject: Subject) -> None:
    """The class has a data sheet of its own, and every example in it parses and uses layer types that exist."""
    cls = subject.layer_class
    text = cls.__dict__.get("__doc__") or ""
    require(bool(text.strip()), f"class {cls.__name__} has no docstring: formula, shapes, parameters, example, source")
    examples = list(_examples(inspect.cleandoc(text)))
    require(bool(examples), "the docstring has no 'Example::' with a layer { } block")
    nets = [example for example in examples if "layer {" in example]
    if not nets:
        raise NotApplicable("the example is no prototxt")
    types: set[str] = set()
    for example in nets:
        try:
            found = subject.parse(example)
            types |= {layer.type for layer in found.layer}
            for layer in found.layer:
                subject.plugins.get("layers", layer.type)
        except CortadoError as error:
            raise ConformanceError(f"the example of the docstring does not parse: {error}") from error
    named = {name.rpartition("/")[2] for name in types}
    require(cls.type in named, f"the example of the docstring has no layer of type '{cls.type}'")


def _examples(doc: str) -> Iterator[str]:
    """The indented blocks that follow a line that begins with ``Example`` and ends with ``::``."""
    for match in EXAMPLE.finditer(doc):
        depth = len(match["indent"])
        lines = []
        for line in doc[match.end() + 1 :].split("\n"):
            if line.strip() and len(line) - len(line.lstrip()) <= depth:
                break
            lines.append(line)
        yield "\n".join(lines)
