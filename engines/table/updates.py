"""Rows of the update rules."""

from __future__ import annotations

from .kernel import Sizes, row

BENCH: Sizes = {"fc7": {"o": 1, "c": 4096, "i": 1024}}
MOMENTA = ({"rate": 0.01, "momentum": 0.9}, {"rate": 0.1, "momentum": 0.0})
DECAYS = tuple({"l1": l1, "l2": l2} for l1, l2 in ((0.0, 0.05), (0.02, 0.0), (0.1, 0.2), (0.0, 0.0)))
ADAM = ({"rate": 0.01, "beta1": 0.9, "beta2": 0.999, "delta": 1e-8},)

ROWS = (
    row("regularize", "w:oci", updates="g:oci", parameters=DECAYS, bench=BENCH),
    row("sgd_update", updates="w:oci g:oci h:oci", parameters=MOMENTA, bench=BENCH),
    row("nesterov_update", updates="w:oci g:oci h:oci", parameters=MOMENTA, bench=BENCH),
    row(
        "adagrad_update",
        updates="w:oci g:oci h:oci",
        parameters=({"rate": 0.01, "delta": 1e-8},),
        fills={"h": "positive"},
        bench=BENCH,
    ),
    row(
        "rmsprop_update",
        updates="w:oci g:oci h:oci",
        parameters=({"rate": 0.01, "decay": 0.98, "delta": 1e-8},),
        fills={"h": "positive"},
        bench=BENCH,
    ),
    row(
        "adadelta_update",
        updates="w:oci g:oci h1:oci h2:oci",
        parameters=({"rate": 1.0, "momentum": 0.95, "delta": 1e-6}, {"rate": 0.3, "momentum": 0.5, "delta": 1e-2}),
        fills={"h1": "positive", "h2": "positive"},
        bench=BENCH,
    ),
    row("adam_update", updates="w:oci g:oci m:oci v:oci", parameters=ADAM, fills={"v": "positive"}, bench=BENCH),
)
