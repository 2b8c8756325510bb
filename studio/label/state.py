"""The session state of the Label page, typed. Like session.py, only this module knows its keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from composer_core.errors import StoreError
from composer_core.estimate import Suggestion
from composer_core.music.loop import Loop
from composer_core.pipeline.labels.decisions import LoopLabels
from composer_core.pipeline.labels.queue import QueueItem
from composer_core.pipeline.labels.review import BulkPreview

LABEL_DESK = "studio.label.desk"
LABEL_PREVIEW = "studio.label.preview"


@dataclass(frozen=True, slots=True)
class InHand:
    """A loop as it was when it came on screen: what a decision on it claims to have seen."""

    item: QueueItem
    title: str
    loop: Loop
    labels: LoopLabels
    suggestions: Mapping[str, Suggestion]


@dataclass(slots=True)
class LabelDesk:
    """One rater's queue in one order.

    `heard` is the loop last put into the transport from here; `conflict` holds the error of a
    refused write until it is settled.
    """

    rater: str
    order: str
    waiting: deque[QueueItem] = field(default_factory=deque)
    in_hand: InHand | None = None
    heard: str = ""
    conflict: StoreError | None = None
    refused_action: str = ""


def label_desk() -> LabelDesk | None:
    """The queue, the loop in hand and the form of the Label page, None before its first drawing."""
    return cast("LabelDesk | None", st.session_state.get(LABEL_DESK))


def set_label_desk(desk: LabelDesk) -> None:
    """Lay another queue on the desk."""
    st.session_state[LABEL_DESK] = desk


def label_preview() -> BulkPreview | None:
    """What a bulk edit would change, None before it was looked at."""
    return cast("BulkPreview | None", st.session_state.get(LABEL_PREVIEW))


def set_label_preview(preview: BulkPreview | None) -> None:
    """Keep what a bulk edit would change, or forget it."""
    st.session_state[LABEL_PREVIEW] = preview
