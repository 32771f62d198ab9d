"""Handles of databases that a process may open only once, shared by all who read them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


class SharedHandles:
    """Opens each database once, counts who uses it, and closes it with the last.

    Readers in other threads may end at any time, so a handle is closed on purpose, under a lock, not by the garbage
    collector: opening it again right afterwards must work.
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.RLock()

    def take(self, owner: object, key: Hashable, opened: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """The handle for *key*, opened if nobody has it, and the call that gives it back. What *owner* does not give
        back itself is given back when it is no longer used."""
        with self._lock:
            entry = None
            # the garbage collector may give back the last use of an entry between any two of these lines
            while entry is None or self._entries.get(key) is not entry:
                entry = self._entries.get(key)
                if entry is None:
                    entry = self._entries[key] = _Entry(opened())
                entry.users += 1
        return entry.handle, weakref.finalize(owner, self._give_back, key)

    def _give_back(self, key: Hashable) -> None:
        with self._lock:
            entry = self._entries[key]
            entry.users -= 1
            if not entry.users:
                del self._entries[key]
                entry.handle.close()


@dataclass(eq=False)
class _Entry:
    handle: Any
    users: int = 0
