"""Signed-in visits of a shared studio: kept in memory, so that a restart of the server ends them all.

The browser holds a random token; here only its digest is kept. The doors and the pages run in one process: a page
asks here who its connection belongs to.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from composer_core.pipeline.access.accounts import Account

MAX_VISITS: Final = 10_000
"""Beyond it the visits that were idle for longest end."""


@dataclass(slots=True)
class Visit:
    """One signed-in browser: its account, and when it began and last did something (seconds, monotonic)."""

    key: str
    account: Account
    began_sec: float
    seen_sec: float
    on_end: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What closes the visit's open connections, by a number of each."""


class Visits:
    """Visits by the digest of their token. Safe for threads.

    A visit ends `idle_sec` after its last act, `whole_sec` after its beginning, by sign-out, or with its account.
    """

    def __init__(self, idle_sec: float, whole_sec: float, now: Callable[[], float] = time.monotonic) -> None:
        self.idle_sec, self.whole_sec = idle_sec, whole_sec
        self._now = now
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._number = 0

    def begin(self, account: Account) -> str:
        """Begin a visit and return its token, which goes to the browser and nowhere else."""
        token = secrets.token_urlsafe(32)
        now = self._now()
        with self._lock:
            visit = Visit(_digest(token), account, now, now)
            self._visits[visit.key] = visit
            oldest = sorted(self._visits.values(), key=lambda one: one.seen_sec)
            crowd = oldest[: max(0, len(oldest) - MAX_VISITS)]
        self._end(crowd)
        return token

    def of_token(self, token: str) -> Visit | None:
        """The visit a browser's token belongs to while it lasts."""
        return self.of_key(_digest(token))

    def of_key(self, key: str) -> Visit | None:
        """The visit of a digest while it lasts."""
        with self._lock:
            visit = self._visits.get(key)
        if visit is None or self._is_over(visit):
            return None
        return visit

    def touch(self, visit: Visit) -> None:
        """Note that the person did something."""
        visit.seen_sec = self._now()

    def end(self, key: str) -> None:
        """End a visit, and with it its connections."""
        with self._lock:
            visit = self._visits.get(key)
        if visit is not None:
            self._end([visit])

    def sweep(self, accounts: Mapping[str, Account]) -> None:
        """End what is over, and every visit whose account is gone or has changed (its role, its password)."""
        with self._lock:
            everybody = list(self._visits.values())
        self._end([one for one in everybody if self._is_over(one) or accounts.get(one.account.name) != one.account])

    def watch(self, visit: Visit, on_end: Callable[[], None]) -> int:
        """Have `on_end` called when the visit ends; returns a number for `unwatch`."""
        with self._lock:
            self._number += 1
            visit.on_end[self._number] = on_end
            return self._number

    def unwatch(self, visit: Visit, number: int) -> None:
        """A connection has closed by itself."""
        with self._lock:
            visit.on_end.pop(number, None)

    def _is_over(self, visit: Visit) -> bool:
        now = self._now()
        return now - visit.seen_sec >= self.idle_sec or now - visit.began_sec >= self.whole_sec

    def _end(self, over: list[Visit]) -> None:
        with self._lock:
            closing = [call for one in over if self._visits.pop(one.key, None) for call in one.on_end.values()]
        for close in closing:
            close()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
