"""Spec: nets written in Python, in the way of pycaffe's NetSpec.

    from cortado.netdef.spec import NetSpec, layers as L, params as P

    n = NetSpec()
    n.data, n.label = L.Data(source="train_lmdb", backend=P.Data.LMDB, batch_size=64, ntop=2)
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.loss = L.SoftmaxWithLoss(n.relu1, n.label)
    n.to_proto()                                  # a NetParameter; str() of it is a prototxt

The name of an attribute is the name of the top, and of the layer whose first top it is. Keywords are fields of the
layer's own parameter message, or of LayerParameter where that has no such field. Layers and fields of forks may be
used; as when a file is read, they say which fork is meant.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..errors import ParameterError, nearest
from ..plugins import plugin_manager
from ..proto import Schema
from .spec_schema import fork_fields, message_with_constants, own_field, param_names, schema_for

Names = dict[Any, str]


class Top:
    """Output *n* of a layer that has been described."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn, self.n = fn, n

    def to_proto(self) -> Any:
        """A NetParameter of all that this top needs."""
        return to_proto(self)

    def _to_proto(self, making: _Making) -> None:
        self.fn._to_proto(making)


class Function:
    """A layer that has been described: ``type_name``, ``inputs`` (tops), ``params``, ``ntop`` and ``in_place``."""

    def __init__(self, type_name: str, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        self.type_name = type_name
        for index, one in enumerate(inputs):
            if not isinstance(one, Top):
                rule = f"the inputs of {type_name} are tops of other layers"
                raise ParameterError(
                    rule, got=f"{one!r} as input {index}", hint="a layer with several tops gives several"
                )
        self.inputs = inputs
        self.params = dict(params)
        self.ntop: int = self.params.pop("ntop", 1)
        self.in_place: bool = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _get_name(self, names: Names, autonames: Counter[str]) -> str:
        if self not in names:
            names[self] = self._top_name(self.tops[0], names, autonames) if self.ntop else _numbered(self, autonames)
        return names[self]

    def _top_name(self, top: Top, names: Names, autonames: Counter[str]) -> str:
        if top not in names:
            names[top] = _numbered(top.fn, autonames)
        return names[top]

    def _to_proto(self, making: _Making) -> None:
        made, names, autonames = making.made, making.names, making.autonames
        if self in made:
            return
        bottoms = []
        for one in self.inputs:
            one._to_proto(making)
            bottoms.append(made[one.fn].top[one.n])
        layer: Any = making.schema.message("LayerParameter")(type=self.type_name)
        layer.bottom.extend(bottoms)
        layer.top.extend(bottoms if self.in_place else [self._top_name(top, names, autonames) for top in self.tops])
        layer.name = self._get_name(names, autonames)
        own_parameters = own_field(self.type_name, making.schema)
        for key, value in self.params.items():
            self._assign(layer, own_parameters, key, value)
        made[self] = layer

    def _assign(self, layer: Any, own: str | None, key: str, value: Any) -> None:
        """*key* of the layer's *own* parameters, else of the layer."""
        own = None if key.endswith("param") else own
        if own is not None and key in _fields(getattr(layer, own)):
            assign_proto(getattr(layer, own), key, value)
        elif key in _fields(layer):
            assign_proto(layer, key, value)
        else:
            known = [*_fields(layer), *(_fields(getattr(layer, own)) if own else fork_fields(self.type_name))]
            raise ParameterError(f"{self.type_name} has no parameter '{key}'", hint=nearest(key, known))


def _numbered(fn: Function, autonames: Counter[str]) -> str:
    autonames[fn.type_name] += 1
    return f"{fn.type_name}{autonames[fn.type_name]}"


class NetSpec:
    """Tops by the name of the attribute (or item) that they are given to, in order; ``to_proto()`` makes the net."""

    tops: dict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    def __setattr__(self, name: str, value: Top) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Top:
        try:
            top: Top = self.tops[name]
        except KeyError:
            raise AttributeError(f"there is no top '{name}' {nearest(name, self.tops) or ''}".rstrip()) from None
        return top

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    __setitem__ = __setattr__
    __getitem__ = __getattr__
    __delitem__ = __delattr__

    def to_proto(self) -> Any:
        """The net as a NetParameter: the named tops and what they need, each layer once."""
        return _net(self.tops.values(), {top: name for name, top in self.tops.items()})


def to_proto(*tops: Top) -> Any:
    """A NetParameter of all that *tops* need; layers are named by their type and a number."""
    return _net(tops, {})


def _net(tops: Any, names: Names) -> Any:
    tops = list(tops)
    schema = plugin_manager().schema()
    try:
        return _Making(schema, names).net(tops)
    except ParameterError:
        chosen = schema_for((fn.type_name, fn.params) for fn in _functions(tops))
        if chosen is schema:
            raise
    return _Making(chosen, names).net(tops)


class _Making:
    """A net on its way to a message of *schema*: layers by their functions, names given and made up."""

    def __init__(self, schema: Schema, names: Names) -> None:
        self.schema, self.names = schema, dict(names)
        self.made: dict[Function, Any] = {}
        self.autonames: Counter[str] = Counter()

    def net(self, tops: list[Any]) -> Any:
        for top in tops:
            top._to_proto(self)
        net: Any = self.schema.message("NetParameter")()
        net.layer.extend(self.made.values())
        return net


def _functions(tops: list[Any]) -> list[Function]:
    """All that *tops* need, once each."""
    found: dict[Function, None] = {}
    left = [top.fn if isinstance(top, Top) else top for top in tops]
    while left:
        fn = left.pop()
        if fn not in found:
            found[fn] = None
            left += [one.fn for one in fn.inputs]
    return list(found)


class Layers:
    """``layers.Convolution(bottom, num_output=20, kernel_size=5)``: one top, a tuple of ``ntop`` of them, or for
    ``ntop=0`` the Function itself."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer(*inputs: Any, **params: Any) -> Any:
            fn = Function(name, inputs, params)
            if fn.ntop == 0:
                return fn
            return fn.tops[0] if fn.ntop == 1 else fn.tops

        return layer


class Parameters:
    """Constants of parameter messages: ``params.Pooling.MAX``, ``params.Data.LMDB``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Constants(name)


class _Constants:
    def __init__(self, name: str) -> None:
        self._message = message_with_constants(f"{name}Parameter")

    def __getattr__(self, name: str) -> int:
        try:
            value: int = getattr(self._message, name)
        except AttributeError:
            known = [value.name for enum in self._message.DESCRIPTOR.enum_types for value in enum.values]
            raise AttributeError(f"no constant '{name}' {nearest(name, known) or ''}".rstrip()) from None
        return value


def assign_proto(proto: Any, name: str, value: Any) -> None:
    """Set field *name* of a message from Python: a dict for a message, a list (or one value) for a repeated field.

    Errors: ParameterError for a value that the field does not take.
    """
    field = proto.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        hint = nearest(name, _fields(proto))
        raise ParameterError(f"{proto.DESCRIPTOR.name} has no field '{name}'", hint=hint)
    try:
        if field.is_repeated:
            _extend(getattr(proto, name), value)
        elif isinstance(value, dict):
            getattr(proto, name).SetInParent()
            for key, one in value.items():
                assign_proto(getattr(proto, name), key, one)
        else:
            setattr(proto, name, _plain(value))
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{proto.DESCRIPTOR.name}.{name} does not take this value", got=str(error)) from None


def _extend(target: Any, value: Any) -> None:
    values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else [value]
    for one in values:
        if isinstance(one, dict):
            item = target.add()
            for key, part in one.items():
                assign_proto(item, key, part)
        else:
            target.append(_plain(one))


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if hasattr(value, "item") else value


def param_name_dict() -> dict[str, str]:
    """The field of LayerParameter, without ``_param``, by layer type, as message names tell them."""
    return param_names(plugin_manager().schema())


def _fields(message: Any) -> list[str]:
    return list(message.DESCRIPTOR.fields_by_name)


layers = Layers()
params = Parameters()
