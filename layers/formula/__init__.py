"""Formulas: a small closed language of arithmetic, its derivatives, and how it runs on whole arrays.

parse        text to a tree (``grammar.py`` has the grammar; nothing in it can run code)
derivative   a tree's derivative by one of its names, found by SymPy
Program      trees made into a list of array operations
"""

from .grammar import parse
from .program import Program
from .symbolic import derivative
from .tree import Node

__all__ = ["Node", "Program", "derivative", "parse"]
