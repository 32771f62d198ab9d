"""C3D: convolution over time as well."""

from __future__ import annotations

from typing import ClassVar

from ...plugins import hookimpl
from ..base import Dialect
from ..table import Table
from .tables import V10, V11


class C3D10(Dialect):
    """C3D v1.0 (2015), in V1 layers."""

    type: ClassVar[str] = "c3d_v10"
    fork: ClassVar[str] = "C3D v1.0, facebook/C3D"
    tables: ClassVar[tuple[Table, ...]] = (V10,)


class C3D(Dialect):
    """C3D v1.1 (2017)."""

    type: ClassVar[str] = "c3d"
    fork: ClassVar[str] = "C3D v1.1, facebook/C3D"
    tables: ClassVar[tuple[Table, ...]] = (V11,)


@hookimpl
def cortado_dialects() -> list[type[Dialect]]:
    return [C3D10, C3D]
