"""Old formats brought to the newest one: V0 and V1 layers, ``input`` fields, old solver types.

upgrade_net(document)      a NetParameter of any age -> the same net with 'layer' entries only
upgrade_solver(document)   a SolverParameter with 'solver_type' -> with 'type'
upgrade_weights(net)       a NetParameter that holds weights, in place and without complaints
"""

from __future__ import annotations

from .net import upgrade_net as upgrade_net
from .net import upgrade_weights as upgrade_weights
from .solver import upgrade_solver as upgrade_solver

__all__ = ["upgrade_net", "upgrade_solver", "upgrade_weights"]
