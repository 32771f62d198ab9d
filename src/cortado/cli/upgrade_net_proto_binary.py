"""``cortado upgrade_net_proto_binary``: Caffe's name for ``cortado upgrade weights``."""

from __future__ import annotations

from .upgrade import hidden, weights

command = hidden(weights, "upgrade-net-proto-binary")
