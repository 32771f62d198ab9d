"""``cortado upgrade_net_proto_text``: Caffe's name for ``cortado upgrade net``."""

from __future__ import annotations

from .upgrade import hidden, net

command = hidden(net, "upgrade-net-proto-text")
