"""Sessions that make takes are served in turn, and each sees how many are before it.

Takes made side by side would share the same processors: all would come late together. One take (or ensemble, or
edit) is one turn, so that a request for many takes lets others in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

LOOK_SEC: Final = 0.5
"""How often a session that waits looks again, and so hears a click."""
FORGOTTEN_SEC: Final = 10.0
"""So long a session keeps its place while it does not ask, for instance while a click draws its page anew."""


class Turns:
    """A queue by arrival. Safe for threads. A ticket is any text that is one session's own."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._waiting: dict[str, float] = {}
        self._served = ""

    def place(self, ticket: str) -> int:
        """How many are before this ticket; it takes its place at the end if it has none. 0: its turn has come."""
        with self._changed:
            return self._place(ticket)

    def leave(self, ticket: str) -> None:
        """Give up the place, or end the turn."""
        with self._changed:
            self._waiting.pop(ticket, None)
            if self._served == ticket:
                self._served = ""
            self._changed.notify_all()

    @contextmanager
    def turn(self, ticket: str, show: Callable[[int], None]) -> Iterator[None]:
        """Wait for the turn and hold it for the block. `show` is told how many are before, each time it looks, and
        not at all when nobody is; an exception of it (a click) leaves the place kept."""
        while not self._taken(ticket):
            show(self.place(ticket))
            with self._changed:
                if self._place(ticket):
                    self._changed.wait(LOOK_SEC)
        try:
            yield
        finally:
            self.leave(ticket)

    def _taken(self, ticket: str) -> bool:
        with self._changed:
            if self._place(ticket):
                return False
            del self._waiting[ticket]
            self._served = ticket
            return True

    def _place(self, ticket: str) -> int:
        now = self._now()
        self._waiting[ticket] = now
        self._waiting = {one: sec for one, sec in self._waiting.items() if now - sec < FORGOTTEN_SEC}
        return list(self._waiting).index(ticket) + (self._served != "")


turns: Final = Turns()
"""The queue of this server."""


def own_ticket() -> str:
    """The ticket of the session that runs now."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else "here"
