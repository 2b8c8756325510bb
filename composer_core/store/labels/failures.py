"""What a failing database means to a person: busy, out of reach, not writable, or damaged."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from composer_core.errors import StoreError

FAILURES = (PoolTimeoutError, DBAPIError)
"""What `store_error` speaks of; anything else SQLAlchemy raises is a programming mistake."""
_BUSY_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")
_BUSY_STATES = ("53300", "55P03", "40P01", "40001")
"""PostgreSQL: too many connections, lock not available, deadlock, serialization failure."""
_GONE_CLASSES = ("08", "57")
"""PostgreSQL: connection exceptions, and a server that shuts down or starts."""


def store_error(error: PoolTimeoutError | DBAPIError, place: str) -> StoreError:
    """The StoreError of a failure: database_busy, database_unreachable, cannot_write or damaged_store."""
    if isinstance(error, PoolTimeoutError):
        return StoreError("database_busy", path=place, reason="all connections are in use")
    reason = str(error.orig).strip()
    sqlite = str(getattr(error.orig, "sqlite_errorname", ""))
    state = getattr(error.orig, "sqlstate", None)
    if sqlite.startswith(_BUSY_SQLITE) or state in _BUSY_STATES:
        return StoreError("database_busy", path=place, reason=reason)
    if not isinstance(error, OperationalError | InterfaceError):
        return StoreError("damaged_store", path=place, reason=reason)
    # psycopg gives no state where the server could not say one: it was not there.
    gone = error.connection_invalidated or (not sqlite and state is None) or str(state).startswith(_GONE_CLASSES)
    return StoreError("database_unreachable" if gone else "cannot_write", path=place, reason=reason)
