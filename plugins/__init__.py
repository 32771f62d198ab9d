"""Plugins: the hooks, the manager that finds and loads plugins, and typed parameter declarations."""

from .manager import KINDS, Broken, PluginManager, plugin_manager, register, use_plugin_manager
from .markers import hookimpl, hookspec
from .parameters import Bool, Choice, Field, Float, Int, Message, Parameters, ParametersClass, String, UInt
from .registry import Entry, Kind, Provider, Registry

__all__ = [
    "KINDS",
    "Bool",
    "Broken",
    "Choice",
    "Entry",
    "Field",
    "Float",
    "Int",
    "Kind",
    "Message",
    "Parameters",
    "ParametersClass",
    "PluginManager",
    "Provider",
    "Registry",
    "String",
    "UInt",
    "hookimpl",
    "hookspec",
    "plugin_manager",
    "register",
    "use_plugin_manager",
]
