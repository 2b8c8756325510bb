"""A database that is busy, gone, full or damaged: each is told as what it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import QueuePool

from composer_core.errors import StoreError
from composer_core.store.labels import schema
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore, store_error
from postgres_server import fresh_place

MODEL = "model:affect@1"


def write(store: LabelStore) -> int:
    (event_id,) = store.write("aki", "approve", "L", [Entry("L", "emotion", "sad", "approved")], {})
    return event_id


def test_a_pool_without_a_free_connection_says_that_it_is_busy(location: Path | str) -> None:
    store = LabelStore(location)
    url = store.engine.url.render_as_string(hide_password=False)
    store.engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with store.engine.connect():
        for call in (store.view, lambda: store.add(MODEL, [Entry("L", "emotion", "sad", "suggested")])):
            with pytest.raises(StoreError) as refused:
                call()
            assert refused.value.code == "database_busy"
    assert store.view() == {}
    store.engine.dispose()


def test_a_file_another_program_keeps_locked_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_MS", 20)
    store = LabelStore(tmp_path / "labels.sqlite")
    holder = sqlite3.connect(tmp_path / "labels.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as refused:
        write(store)
    assert refused.value.code == "database_busy" and "locked" in str(refused.value)
    holder.close()
    assert write(store) == 1


def test_a_server_that_goes_away_in_the_middle_is_told(postgres: Any) -> None:
    store = LabelStore(fresh_place(postgres))
    with pytest.raises(StoreError) as refused, store.transaction() as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with store.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        connection.execute(text("SELECT 1"))
    assert refused.value.code == "database_unreachable"
    assert write(store) == 1


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [(OperationalError, "53300", "database_busy"), (OperationalError, "57P01", "database_unreachable"),
     (OperationalError, "53100", "cannot_write"), (InterfaceError, None, "database_unreachable"),
     (InternalError, "XX001", "damaged_store")],
)  # fmt: skip
def test_what_a_failing_server_means(kind: type[DBAPIError], state: str | None, code: str) -> None:
    cause = Exception("it said so\n")
    cause.sqlstate = state  # type: ignore[attr-defined]
    found = store_error(kind("SELECT 1", None, cause), "postgresql://host/labels")
    assert (found.code, found.values) == (code, {"path": "postgresql://host/labels", "reason": "it said so"})
