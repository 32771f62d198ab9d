"""Cortado: Caffe's idea as a Python package. Networks and solvers are prototxt files, layers are plugins.

The names below are the public interface; each is imported when it is first used, so ``import cortado`` is instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .errors import (
        CommunicationError as CommunicationError,
        CortadoError as CortadoError,
        DataError as DataError,
        FileError as FileError,
        FormatError as FormatError,
        MissingExtraError as MissingExtraError,
        NetError as NetError,
        NumericsError as NumericsError,
        ParameterError as ParameterError,
        ParseError as ParseError,
        PermissionRefused as PermissionRefused,
        PluginError as PluginError,
        ShapeError as ShapeError,
        SolverError as SolverError,
        UnknownLayerError as UnknownLayerError,
        WeightsError as WeightsError,
    )
    from .layers import AutodiffLayer as AutodiffLayer, Blob as Blob, Layer as Layer, Phase as Phase
    from .netdef import Net as Net
    from .plugins import (
        Parameters as Parameters,
        hookimpl as hookimpl,
        register as register,
        unregister as unregister,
    )
    from .solver import Solver as Solver

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    errors="""CommunicationError CortadoError DataError FileError FormatError MissingExtraError NetError
        NumericsError ParameterError ParseError PermissionRefused PluginError ShapeError SolverError
        UnknownLayerError WeightsError""",
    layers="AutodiffLayer Blob Layer Phase",
    netdef="Net",
    plugins="Parameters hookimpl register unregister",
    solver="Solver",
)
__all__ += ["__version__"]
