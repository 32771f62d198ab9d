"""The one table of kernels: it drives the tests, the benchmarks and the support matrix.

Adding a kernel takes a method of the reference engine and a row here; an engine that overrides the method is then
tested against the reference on the row's cases, measured on its realistic ones, and shown in the matrix.

>>> len(KERNELS["conv_forward"].outputs)
1
>>> from cortado.engines import ReferenceEngine
>>> support(ReferenceEngine)["gemm"]
'reference'
"""

from __future__ import annotations

from ..engine import Engine
from ..reference import ReferenceEngine
from . import activations, convolution, curves, elementwise, linear, normalization, pooling, softmax, updates
from .kernel import Arguments, Case, Kernel, Maker, copy_arguments

__all__ = ["FAMILIES", "KERNELS", "Arguments", "Case", "Kernel", "Maker", "copy_arguments", "support"]

FAMILIES: dict[str, tuple[Kernel, ...]] = {
    module.__name__.rpartition(".")[2]: module.ROWS
    for module in (activations, curves, elementwise, linear, convolution, pooling, normalization, softmax, updates)
}
KERNELS: dict[str, Kernel] = {kernel.name: kernel for rows in FAMILIES.values() for kernel in rows}


def support(engine: type[Engine]) -> dict[str, str]:
    """Per kernel, who provides it in *engine*: its own name, or ``reference`` where it inherits from there."""
    return {name: _provider(engine, name) for name in KERNELS}


def _provider(engine: type[Engine], kernel: str) -> str:
    return "reference" if getattr(engine, kernel, None) is getattr(ReferenceEngine, kernel) else engine.name
