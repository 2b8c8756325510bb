"""The session state of the Label page, typed. Like session.py, only this module knows its keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from composer_core.music.loop import Loop
from composer_core.pipeline.labels.decisions import LoopLabels
from composer_core.pipeline.labels.fields import LabelValue
from composer_core.pipeline.labels.prepared import PreparedLoop
from composer_core.pipeline.labels.queue import QueueItem
from composer_core.pipeline.labels.review import BulkPreview

LABEL_DESK = "studio.label.desk"
LABEL_PREVIEW = "studio.label.preview"


@dataclass(frozen=True, slots=True)
class InHand:
    """A loop as it was made ready for the rater, with what the form shows first (`touched`: the fields that
    the rater set before). What was seen then is what a decision on it claims to have seen."""

    item: QueueItem
    prepared: PreparedLoop
    values: Mapping[str, LabelValue]
    note: str
    touched: tuple[str, ...] = ()

    @property
    def loop(self) -> Loop:
        """The loop itself."""
        return self.prepared.loop

    @property
    def labels(self) -> LoopLabels:
        """Its labels at that time."""
        return self.prepared.labels


@dataclass(slots=True)
class LabelDesk:
    """One rater's queue in one order.

    `hands` are the loops made ready: the one on screen, as far as the server knows, and the next ones. `sounds` holds
    what the transport is handed for each, or why there is no sound; `renders_slowly` is true while one loop takes long
    to render. `answers` are the answers to presses by page and number, the newest last; `screen` is the loop that the
    browser last named. `drawn` keeps what the browser gets of each loop, with the loop and the language it was made
    for.
    """

    rater: str
    order: str
    waiting: deque[QueueItem] = field(default_factory=deque)
    hands: list[InHand] = field(default_factory=list)
    sounds: dict[str, Mapping[str, object] | str] = field(default_factory=dict)
    answers: dict[tuple[str, int], dict[str, object]] = field(default_factory=dict)
    screen: str = ""
    renders_slowly: bool = False
    drawn: dict[str, tuple[InHand, str, dict[str, object]]] = field(default_factory=dict)

    @property
    def in_hand(self) -> InHand | None:
        """The loop on screen, as far as the server knows."""
        return self.hands[0] if self.hands else None


def label_desk() -> LabelDesk | None:
    """The queue and the loops made ready of the Label page, None before its first drawing."""
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
