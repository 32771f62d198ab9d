"""Dialects of Caffe: the fields, numbers and layers of its forks, as plugins.

Dialect, Table                    a fork; what it adds to the schema
choose_for_text, choose_for_binary    the schema that a file needs, and the dialects in it
without_effect                    the fields of forks in a net that nothing reads
known_elsewhere, known_type       who has a field or a layer type, for messages
"""

from .base import Dialect
from .choose import Choice, choose_by_name, choose_for_text, known_elsewhere, known_type
from .combine import combine, merge
from .effects import without_effect
from .evidence import choose_for_binary
from .table import Table

__all__ = [
    "Choice",
    "Dialect",
    "Table",
    "choose_by_name",
    "choose_for_binary",
    "choose_for_text",
    "combine",
    "known_elsewhere",
    "known_type",
    "merge",
    "without_effect",
]
