"""Caffe itself, through any module that is pycaffe: BVLC Caffe 1.0 or a fork of it.

Whoever has a build names its interpreter: ``--python caffe=/path/to/python``; docs/performance.md tells of one. This
file needs nothing but ``caffe`` and NumPy, so that an old interpreter runs it; CORTADO_BENCH_CAFFE names another module
with that face, ``cortado.pycaffe`` for one.

Threads are those of the BLAS that it was built with, by the variables that the common ones read.
"""

import os
import tempfile
from importlib import import_module

SOLVER = """
net: "%s"
base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005
max_iter: 1000000 random_seed: 1 snapshot_after_train: false
"""


def make(model, mode, threads):
    """A function that does one step, and who does it; the module is loaded here, after its number of threads is set."""
    if threads:
        for library in ("OPENBLAS", "MKL", "OMP", "BLIS"):
            os.environ[library + "_NUM_THREADS"] = str(threads)
    os.environ.setdefault("GLOG_minloglevel", "2")
    name = os.environ.get("CORTADO_BENCH_CAFFE", "caffe")
    caffe = import_module(name)
    import numpy as np  # reads the variables too

    about = "%s %s" % (name, getattr(caffe, "__version__", ""))  # noqa: UP031 - for old interpreters
    rng = np.random.RandomState(0)
    caffe.set_mode_cpu()
    if mode == "train":
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
            file.write(SOLVER % model)
            file.flush()
            solver = caffe.get_solver(file.name)
        data, label = (solver.net.blobs[blob].data for blob in ("data", "label"))
        data[...] = rng.standard_normal(data.shape)
        label[...] = rng.randint(0, 10, label.shape)
        return lambda: solver.step(1), about
    net = caffe.Net(model, caffe.TEST)
    data = net.blobs["data"].data
    data[...] = rng.standard_normal(data.shape)
    return lambda: net._forward(0, len(net.layers) - 1), about
