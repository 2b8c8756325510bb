"""Where files are read: by reader processes of this machine, or by those of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol

from composer_core.errors import InvalidValue, require_choice
from composer_core.ingest.pool import Read, read_all

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Reads files somewhere. The reports are the same whichever engine it is."""

    def opened(self, jobs: int | None) -> AbstractContextManager[Read]:
        """Ready to read with `jobs` processes (None: as many as there are processors) while the block lasts.

        Raises Unavailable where it cannot be made ready.
        """


class LocalEngine:
    """Reader processes of this machine (see `pool`)."""

    @contextmanager
    def opened(self, jobs: int | None) -> Iterator[Read]:
        """As Engine says; the processes start with the first file."""
        yield partial(read_all, jobs=jobs)


def engine_named(name: str, ray_address: str | None = None) -> Engine:
    """The engine of a name out of ENGINES; `ray_address` (HOST:PORT) is a Ray cluster that runs already.

    Raises InvalidValue for another name, or an address without Ray, and Unavailable when Ray
    is not installed. Nothing is started yet.
    """
    require_choice("engine", name, ENGINES)
    if name == "ray":
        from composer_core.ingest.ray_engine import RayEngine

        return RayEngine(ray_address)
    if ray_address is not None:
        raise InvalidValue(
            "contradiction",
            first="--ray-address",
            second=f"--engine {name}",
            reason="only the engine ray reads on a cluster",
        )
    return LocalEngine()
