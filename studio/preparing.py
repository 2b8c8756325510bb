"""Show the progress while a large library is prepared for search, and that other pages work meanwhile.

A server process prepares the library once for all its sessions, in a thread. Leaving the page stops
nothing, and if the server ends meanwhile, only time is lost.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.library import browse
from composer_core.workspace import Workspace
from studio.redraw import redraw
from studio.wording.text import t

LOOK_SEC = 1.0


@dataclass(slots=True)
class Preparing:
    """Work under way; `share` is how much is done, `error` why it ended early."""

    share: float = 0.0
    error: ComposerError | None = None
    done: threading.Event = field(default_factory=threading.Event)


_under_way: dict[Path, Preparing] = {}
_lock = threading.Lock()


def draw_preparing(workspace: Workspace) -> bool:
    """Whether the library is not ready yet; then how far it is has been drawn. Raises what stopped the work."""
    work = _begun(workspace)
    if work is None:
        return False
    st.info(t("library.preparing"), icon=":material/hourglass_top:")
    _draw_share(work)
    return True


def _begun(workspace: Workspace) -> Preparing | None:
    """The work that is under way, begun if there is any to do; None for a library that is ready."""
    root = workspace.root.resolve()
    with _lock:
        work = _under_way.get(root)
        if work is not None and work.done.is_set():
            del _under_way[root]
            if work.error is not None:
                raise work.error
            work = None
        if work is None and browse.is_behind(workspace):
            work = _under_way[root] = Preparing()
            threading.Thread(target=_prepare, args=(workspace, work), name="library", daemon=True).start()
        return work


def _prepare(workspace: Workspace, work: Preparing) -> None:
    def told(share: float) -> None:
        work.share = share

    try:
        browse.prepare(workspace, told)
    except ComposerError as error:
        work.error = error
    finally:
        work.done.set()


@st.fragment(run_every=LOOK_SEC)
def _draw_share(work: Preparing) -> None:
    if work.done.is_set():
        redraw()
    st.progress(min(1.0, work.share), text=t("library.prepared", percent=f"{100 * work.share:.0f}"))
