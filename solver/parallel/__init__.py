"""Data-parallel training: communicators, and the reduction of gradients between backward and update.

``base.py`` has the interface of a communicator, ``single.py`` and ``mpi.py`` are two; ``buckets.py``, ``reducer.py``,
``driver.py`` and ``shared.py`` sum the gradients while backward goes on; ``parallel.py`` is what a solver calls.
"""

from .base import Communicator, Pending
from .bucket_times import time_buckets
from .choose import choose_communicator, ending_all
from .parallel import Parallel

__all__ = ["Communicator", "Parallel", "Pending", "choose_communicator", "ending_all", "time_buckets"]
