"""Old formats brought to the newest one: V0 and V1 layers, ``input`` fields, old solver types.

upgrade_net(document)             a NetParameter of any age -> the same net with 'layer' entries only
upgrade_solver(document)          a SolverParameter with 'solver_type' -> with 'type'
add_upgraded_layer(net, old)      one old layer that holds weights -> a new one in the net
"""

from __future__ import annotations

from .net import add_upgraded_layer as add_upgraded_layer, upgrade_net as upgrade_net
from .solver import upgrade_solver as upgrade_solver

__all__ = ["add_upgraded_layer", "upgrade_net", "upgrade_solver"]
