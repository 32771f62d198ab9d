"""The kinds of things that plugins register, one per hook."""

from __future__ import annotations

from ..errors import SolverError, UnknownLayerError
from .registry import Kind

KINDS = {
    kind.name: kind
    for kind in (
        Kind("layers", "cortado_layers", "layers", "layer type", UnknownLayerError, "cortado.Layer"),
        Kind("fillers", "cortado_fillers", "layers.fillers", "filler type", base="cortado.layers.Filler"),
        Kind("optimizers", "cortado_optimizers", "solver.optimizers", "solver type", SolverError,
             "cortado.solver.Optimizer"),
        Kind("regularizers", "cortado_regularizers", "solver.regularizers", "regularization type", SolverError,
             "cortado.solver.Regularizer"),
        Kind("lr_policies", "cortado_lr_policies", "solver.lr_policies", "learning-rate policy", SolverError,
             "cortado.solver.LearningRatePolicy"),
        Kind("callbacks", "cortado_callbacks", "solver.callbacks", "callback", SolverError, "cortado.solver.Callback"),
        Kind("communicators", "cortado_communicators", "solver.parallel", "communicator", SolverError,
             "cortado.solver.parallel.Communicator"),
        Kind("sources", "cortado_sources", "data.sources", "database backend", base="cortado.data.Source"),
        Kind("transforms", "cortado_transforms", "data.transforms", "transform", base="cortado.data.Transform"),
        Kind("engines", "cortado_engines", "engines", "engine", base="callables that make an engine", needs="__call__"),
        Kind("net_passes", "cortado_net_passes", "netdef.passes", "net pass", base="cortado.netdef.NetPass"),
        Kind("weight_formats", "cortado_weight_formats", "netdef.formats", "weight format",
             base="cortado.netdef.WeightFormat"),
        Kind("parameters", "cortado_parameters", "", "schema field", base="cortado.Parameters", named_by="field"),
        Kind("dialects", "cortado_dialects", "dialects", "dialect", base="cortado.dialects.Dialect"),
        Kind("exporters", "cortado_exporters", "export.onnx_layers", "ONNX mapping", base="functions of a LayerExport",
             needs="__call__"),
        Kind("commands", "cortado_commands", "", "command", base="click commands", needs="make_context"),
    )
}  # fmt: skip
"""By name, in the order in which they are listed."""
