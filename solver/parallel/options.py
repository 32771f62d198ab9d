"""The options of data-parallel training, a block of the solver file."""

from __future__ import annotations

from ...plugins import Bool, Float, Parameters


class ParallelParameter(Parameters, field="parallel_param", number=5041, owner="SolverParameter"):
    bucket_mb = Float(
        1, default=4, above=0, doc="megabytes of gradients that are reduced in one piece, but at most a quarter of all"
    )
    half = Bool(2, default=False, doc="send gradients as 16-bit floats; they are summed as 32-bit ones")
    sync_batch_norm = Bool(3, default=False, doc="BatchNorm statistics over the batches of all ranks, not of each")
    divide_tests = Bool(4, default=False, doc="each rank does its share of test_iter, instead of rank 0 all of it")
    timeout = Float(5, default=300, above=0, doc="seconds without a sign of the other ranks that end the run")
