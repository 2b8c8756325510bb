"""Composer: measure, label, generate and render symbolic loops.

A script uses `composer_core.api`, which is loaded when it is first used. Type checkers know it by
`from composer_core import api`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not of typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """`composer_core.api` without importing it by name."""
    if name == "api":
        from importlib import import_module

        return import_module("composer_core.api")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
