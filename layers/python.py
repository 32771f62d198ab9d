"""Python: a layer written by the user of a net, in a module that the net names."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

from ..errors import CortadoError, PermissionRefused, PluginError, nearest
from ..plugins import hookimpl
from .arity import Arity, at_least
from .blob import Blob
from .layer import Blobs, Layer


class LearnedBlobs(list[Blob]):
    """``self.blobs`` of a Python layer: a list to which ``add_blob(2, 3)`` or ``add_blob((2, 3))`` adds a learned
    blob."""

    def __init__(self, owner: Layer) -> None:
        super().__init__()
        self._owner = owner

    def add_blob(self, *shape: Any) -> Blob:
        """Add a learned blob of zeros, and return it."""
        sizes = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return self._owner.add_param(tuple(int(size) for size in sizes))


class Python(Layer):
    """Runs a class of the user's as a layer: what it computes, its shapes and its learned blobs are its own affair.

    The class has ``setup(self, bottom, top)`` if it likes, ``reshape(self, bottom, top)``, ``forward(self, bottom,
    top)`` and, to take part in learning, ``backward(self, top, propagate_down, bottom)``. It may derive from
    ``cortado.Layer``, from ``cortado.pycaffe.Layer``, or from nothing. It is given ``self.param_str``, ``self.phase``
    and ``self.blobs``, to which ``add_blob(*shape)`` in ``setup`` adds learned blobs. ``reshape`` is called before
    every forward, as Caffe does.

    Bottoms and tops: any number, any shapes. Parameters, ``python_param``: ``module`` and ``layer`` (required), the
    module and the class in it; ``param_str`` (""), text for the class; ``share_in_parallel`` is read and makes no
    difference.

    Running a module is running a program, so it needs leave: ``--allow-python-layers``, or
    ``Net(…, allow_python_layers=True)``. Modules are looked for where Python does, then in the working directory and
    beside the net file.
    Errors: PermissionRefused without leave; PluginError for a module or class that cannot be had, and for whatever the
    class raises, with file and line, and the original error as its cause.

    Example::

        layer {
          name: "loss" type: "Python" bottom: "prediction" bottom: "target" top: "loss" loss_weight: 1
          python_param { module: "mylayers" layer: "AbsLoss" param_str: "{'scale': 2}" }
        }

    Source: Caffe's Python layer.
    """

    type: ClassVar[str] = "Python"
    param_field: ClassVar[str | None] = "python_param"
    bottoms: ClassVar[Arity] = at_least(0)
    tops: ClassVar[Arity] = at_least(0)
    in_place: ClassVar[bool] = True
    needs_top: ClassVar[str] = "values"
    stochastic: ClassVar[bool] = True
    stateful: ClassVar[bool] = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.built = self.reshaped = False
        self.instance = self._make()
        self._call("setup", bottom, top)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._call("reshape", bottom, top)
        self.reshaped, self.built = self.built, True

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not self.reshaped:
            self._call("reshape", bottom, top)
        self.reshaped = False
        self._call("forward", bottom, top)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if isinstance(self.instance, Layer):
            self.instance.param_propagate_down = self.param_propagate_down
        self._call("backward", top, list(propagate_down), bottom)

    def run_state(self) -> dict[str, Any]:
        """What the class says of itself, if it has ``run_state()`` and ``restore_run_state(state)``."""
        state = super().run_state()
        if hasattr(self.instance, "run_state"):
            with self._reporting(f"{self.param.layer}.run_state()"):
                state["own"] = self.instance.run_state()
        return state

    def restore_run_state(self, state: Mapping[str, Any]) -> None:
        super().restore_run_state(state)
        if "own" in state:
            self._call("restore_run_state", state["own"])

    def infer_shapes(self, bottom: Blobs, top: Blobs) -> bool:
        return self.context.allow_python_layers and super().infer_shapes(bottom, top)

    def _call(self, name: str, *args: Any) -> None:
        method = getattr(self.instance, name, None)
        if method is None and name == "setup":
            return
        if method is None:
            rule = f"class {self.param.module}.{self.param.layer} has no method {name}()"
            raise PluginError(rule, where=self.context.position(), who=self.who)
        with self._reporting(f"{self.param.layer}.{name}()"):
            method(*args)

    # -- making the user's object -------------------------------------------------------------------------------

    def _make(self) -> Any:
        for name in ("module", "layer"):
            if not getattr(self.param, name):
                self.fail(f"{name} must be given", name)
        if not self.context.allow_python_layers:
            raise PermissionRefused(
                f"running the module '{self.param.module}' needs the caller's leave",
                where=self.context.position(self.param_field, "module"),
                who=self.who,
                hint="--allow-python-layers, or allow_python_layers=True; do so only for nets you trust",
            )
        made_from = self._find_class()
        self.blobs = LearnedBlobs(self)
        with self._reporting(f"{self.param.layer}()"):
            if issubclass(made_from, Layer):
                made = made_from(self.config, self.context)
                self.frozen = made.frozen
            else:
                made = made_from()
            made.param_str, made.phase, made.blobs = self.param.param_str, self.phase, self.blobs
        return made

    def _find_class(self) -> Any:
        module = self._import(self.param.module)
        found = getattr(module, self.param.layer, None)
        if isinstance(found, type) and not callable(getattr(found, "forward", None)):
            rule = f"class {self.param.module}.{self.param.layer} must be a layer, with the methods forward and reshape"
            raise PluginError(rule, where=self.context.position(self.param_field, "layer"), who=self.who)
        if not isinstance(found, type):
            classes = [name for name, value in vars(module).items() if isinstance(value, type)]
            raise PluginError(
                f"module '{self.param.module}' has no class '{self.param.layer}'",
                where=self.context.position(self.param_field, "layer"),
                who=self.who,
                hint=nearest(self.param.layer, classes) or f"it has {', '.join(classes) or 'none'}",
            )
        return found

    def _import(self, name: str) -> ModuleType:
        importlib.invalidate_caches()
        try:
            with _also_searching(os.getcwd(), str(self.context.folder.resolve())), self._reporting(f"import {name}"):
                return importlib.import_module(name)
        except PluginError as error:
            missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
            if missing and (name == missing or name.startswith(f"{missing}.")):
                error.hint = "put its folder on PYTHONPATH, or the module beside the net file"
            elif missing == "caffe":
                error.hint = "write 'import cortado.pycaffe as caffe' there"
            raise

    # -- errors -------------------------------------------------------------------------------------------------

    @contextmanager
    def _reporting(self, doing: str) -> Iterator[None]:
        """Turn whatever the user's code raises into an error that says where in it, with the original as its cause."""
        try:
            yield
        except CortadoError as error:
            raise error.located(self.context.position(), self.who)  # noqa: B904 - the same error, with its place
        except Exception as error:
            raise PluginError(
                f"{doing} failed at {_place(error)}",
                where=self.context.position(),
                who=self.who,
                got=f"{type(error).__name__}: {error}",
            ) from error


@contextmanager
def _also_searching(*folders: str) -> Iterator[None]:
    """Let imports look in *folders* too, after all others."""
    added = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    sys.path.extend(added)
    try:
        yield
    finally:
        for folder in added:
            if folder in sys.path:
                sys.path.remove(folder)


def _place(error: BaseException) -> str:
    """``file:line`` of the innermost code that is not Python's, NumPy's or Cortado's own; of any if there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f for f in frames if not any(part in f.filename for part in ("site-packages", "<frozen", _LIBRARY, _PACKAGE))
    ]
    frame = (own or frames)[-1]
    return f"{frame.filename}:{frame.lineno}"


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARY = os.path.dirname(os.path.abspath(traceback.__file__))


@hookimpl
def cortado_layers() -> list[type[Layer]]:
    return [Python]
