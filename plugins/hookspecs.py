"""Every hook of Cortado: this page is the table of contents of what a plugin can add.

A plugin is a module (or object) with functions of these names, each marked ``@cortado.hookimpl``, and named in the
entry-point group ``cortado`` of its distribution. What ships with Cortado is registered through the same hooks: each
file under ``layers/``, ``solver/optimizers/`` … is a plugin and an example.

All hooks are called once, with no arguments, the first time something of their kind is looked up. Each returns either
a list of classes, each with its name in the class attribute ``type``, or a mapping from names to objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .markers import hookspec

Contribution = Iterable[Any] | Mapping[str, Any]
"""What a hook returns: classes that carry their name in ``type``, or a mapping from names to objects."""


@hookspec
def cortado_layers() -> Contribution:  # type: ignore[empty-body]
    """Layer classes (subclasses of ``cortado.Layer``), found by the ``type`` of a ``layer { }`` block.

    A class with ``parameters`` (a subclass of ``cortado.Parameters``) also adds that field to the schema.

    Example::

        @cortado.hookimpl
        def cortado_layers():
            return [Cube]
    """


@hookspec
def cortado_fillers() -> Contribution:  # type: ignore[empty-body]
    """Fillers (subclasses of ``cortado.layers.Filler``), found by ``weight_filler { type: "…" }``.

    Example::

        @cortado.hookimpl
        def cortado_fillers():
            return [Orthogonal]
    """


@hookspec
def cortado_optimizers() -> Contribution:  # type: ignore[empty-body]
    """Optimizers (subclasses of ``cortado.solver.Optimizer``), found by ``type: "…"`` of the solver file.

    Example::

        @cortado.hookimpl
        def cortado_optimizers():
            return [Lion]
    """


@hookspec
def cortado_regularizers() -> Contribution:  # type: ignore[empty-body]
    """Regularizers (subclasses of ``cortado.solver.Regularizer``), found by ``regularization_type: "…"``.

    Example::

        @cortado.hookimpl
        def cortado_regularizers():
            return [Huber]
    """


@hookspec
def cortado_lr_policies() -> Contribution:  # type: ignore[empty-body]
    """Learning-rate policies (subclasses of ``cortado.solver.LearningRatePolicy``), found by ``lr_policy: "…"``.

    Example::

        @cortado.hookimpl
        def cortado_lr_policies():
            return [Cosine]
    """


@hookspec
def cortado_sources() -> Contribution:  # type: ignore[empty-body]
    """Record sources (subclasses of ``cortado.data.Source``): databases that a Data layer can read.

    Example::

        @cortado.hookimpl
        def cortado_sources():
            return [ZipOfImages]
    """


@hookspec
def cortado_transforms() -> Contribution:  # type: ignore[empty-body]
    """Transforms (subclasses of ``cortado.data.Transform``): changes of an image before crop, mirror, mean and scale,
    switched on by their own block in ``transform_param { }``.

    Example::

        @cortado.hookimpl
        def cortado_transforms():
            return [Negative]
    """


@hookspec
def cortado_engines() -> Contribution:  # type: ignore[empty-body]
    """Engines: a mapping from the engine's name to a callable that makes one.

    Example::

        @cortado.hookimpl
        def cortado_engines():
            return {"reference": ReferenceEngine}
    """


@hookspec
def cortado_callbacks() -> Contribution:  # type: ignore[empty-body]
    """Solver callbacks (subclasses of ``cortado.solver.Callback``), switched on by ``--callback NAME``.

    Example::

        @cortado.hookimpl
        def cortado_callbacks():
            return [ProgressMail]
    """


@hookspec
def cortado_communicators() -> Contribution:  # type: ignore[empty-body]
    """Communicators (subclasses of ``cortado.solver.parallel.Communicator``): how the processes of a data-parallel run
    reach each other, chosen by ``--communicator NAME``.

    Example::

        @cortado.hookimpl
        def cortado_communicators():
            return [Gloo]
    """


@hookspec
def cortado_net_passes() -> Contribution:  # type: ignore[empty-body]
    """Net passes (subclasses of ``cortado.netdef.NetPass``): changes of the list of layers before a net is built, asked
    for by ``--net-pass NAME``.

    Example::

        @cortado.hookimpl
        def cortado_net_passes():
            return [LeakyEverywhere]
    """


@hookspec
def cortado_weight_formats() -> Contribution:  # type: ignore[empty-body]
    """Weight formats (subclasses of ``cortado.netdef.WeightFormat``): importers and exporters of learned blobs.

    A file to load is offered to each until one recognises it; a file to save goes to the one that has its suffix.

    Example::

        @cortado.hookimpl
        def cortado_weight_formats():
            return [Json]
    """


@hookspec
def cortado_parameters() -> Contribution:  # type: ignore[empty-body]
    """Schema fields that belong to no single class: subclasses of ``cortado.Parameters``.

    Example::

        @cortado.hookimpl
        def cortado_parameters():
            return [AugmentationParameters]
    """


@hookspec
def cortado_dialects() -> Contribution:  # type: ignore[empty-body]
    """Dialects of Caffe (subclasses of ``cortado.dialects.Dialect``): named sets of schema additions and layers.

    Example::

        @cortado.hookimpl
        def cortado_dialects():
            return [SSD]
    """


@hookspec
def cortado_commands() -> Contribution:  # type: ignore[empty-body]
    """Commands of the ``cortado`` program: a mapping from names to click commands.

    Example::

        @cortado.hookimpl
        def cortado_commands():
            return {"hello": hello}
    """


@hookspec
def cortado_exporters() -> Contribution:  # type: ignore[empty-body]
    """ONNX mappings: from the layer type to a function that gets a ``cortado.export.graph.LayerExport``.

    Example::

        @cortado.hookimpl
        def cortado_exporters():
            return {"Cube": lambda export: export.op("Pow", [export.x, export.constant(3.0)], export.outputs[0])}
    """
