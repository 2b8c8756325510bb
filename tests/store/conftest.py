"""Where the label tests keep their labels: a SQLite file, or a database of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from postgres_server import fresh_place

Location = Path | str
BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def new_location(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Location]:
    """Gives a new, empty place for labels each time it is called, on each database in turn."""
    if request.param == "sqlite":
        return lambda: tmp_path_factory.mktemp("labels") / "labels.sqlite"
    server = request.getfixturevalue("postgres")
    return lambda: fresh_place(server)


@pytest.fixture
def location(new_location: Callable[[], Location]) -> Location:
    """A new, empty place for labels."""
    return new_location()
