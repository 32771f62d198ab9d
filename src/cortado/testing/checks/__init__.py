"""The conformance checks, by name, in the order in which a failure is best understood."""

from .check import Check, ConformanceError, NotApplicable
from .declarations import declarations, docstring
from .files import definition, save_load
from .gradients import bottom_gradients, gradients, parameter_gradients, propagate_down
from .running import channel_affine, engines, float32, in_place, inputs_unchanged, needs_top, phases, seed, threads
from .shapes import empty_batch, reshape, shapes

CHECKS: dict[str, Check] = {
    "declarations": declarations,
    "docstring": docstring,
    "shapes": shapes,
    "reshape": reshape,
    "empty-batch": empty_batch,
    "inputs-unchanged": inputs_unchanged,
    "in-place": in_place,
    "needs-top": needs_top,
    "propagate-down": propagate_down,
    "bottom-gradients": bottom_gradients,
    "parameter-gradients": parameter_gradients,
    "gradients": gradients,
    "float32": float32,
    "phases": phases,
    "channel-affine": channel_affine,
    "seed": seed,
    "definition": definition,
    "save-load": save_load,
    "engines": engines,
    "threads": threads,
}

__all__ = ["CHECKS", "Check", "ConformanceError", "NotApplicable"]
