"""Plugins: the hooks, the manager that finds and loads plugins, and typed parameter declarations."""

from .api_version import API_VERSION
from .fields import Bool, Choice, Double, Field, Float, Int, Int64, Message, String, UInt, UInt64
from .kinds import KINDS
from .manager import Broken, PluginManager
from .markers import hookimpl, hookspec
from .parameters import Parameters, ParametersClass, Violation
from .process import plugin_manager, register, unregister, use_plugin_manager
from .registry import Entry, Kind, Provider, Registry

__all__ = [
    "API_VERSION",
    "KINDS",
    "Bool",
    "Broken",
    "Choice",
    "Double",
    "Entry",
    "Field",
    "Float",
    "Int",
    "Int64",
    "Kind",
    "Message",
    "Parameters",
    "ParametersClass",
    "PluginManager",
    "Provider",
    "Registry",
    "String",
    "UInt",
    "UInt64",
    "Violation",
    "hookimpl",
    "hookspec",
    "plugin_manager",
    "register",
    "unregister",
    "use_plugin_manager",
]
