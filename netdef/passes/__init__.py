"""Net passes: changes of a net between its definition and the layers that are built. One file each.

None runs unless it is asked for: ``--net-pass NAME``, or ``passes`` of the plugin manager.
"""

from .base import NetPass, run_passes

__all__ = ["NetPass", "run_passes"]
