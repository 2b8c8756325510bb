"""How often somebody may try a password: failures are counted by address and by name."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW_SEC: Final = 900.0
MAX_OF_ADDRESS: Final = 10
"""Failures from one address within the window; the next try waits."""
MAX_OF_NAME: Final = 100
"""Failures for one name from all addresses together: so many that a stranger does not easily lock a person out."""
_MAX_KEYS: Final = 20_000


class Tries:
    """Failed tries within the last WINDOW_SEC. Safe for threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, str], deque[float]] = {}

    def wait_sec(self, address: str, name: str) -> float:
        """Seconds until another try is heard, 0 when it is heard now."""
        with self._lock:
            return max(self._wait(("address", address), MAX_OF_ADDRESS), self._wait(("name", name), MAX_OF_NAME))

    def failed(self, address: str, name: str) -> None:
        """Count one failure. Counted before the password is looked at, so that tries side by side count too."""
        now = self._now()
        with self._lock:
            for key in (("address", address), ("name", name)):
                self._failed.setdefault(key, deque()).append(now)
            if len(self._failed) > _MAX_KEYS:
                old = [key for key, times in self._failed.items() if now - times[-1] >= WINDOW_SEC]
                for key in old or list(self._failed)[: _MAX_KEYS // 2]:
                    del self._failed[key]

    def passed(self, address: str, name: str) -> None:
        """Take back what was counted for the try that now has passed; earlier failures of the address stay."""
        with self._lock:
            for key in (("address", address), ("name", name)):
                times = self._failed.get(key)
                if times:
                    times.pop()
                    if not times:
                        del self._failed[key]

    def _wait(self, key: tuple[str, str], most: int) -> float:
        times = self._failed.get(key, deque())
        now = self._now()
        while times and now - times[0] >= WINDOW_SEC:
            times.popleft()
        return WINDOW_SEC - (now - times[-most]) if len(times) >= most else 0.0
