"""A pad for valence and arousal: dragging stays in the browser, letting go commits the value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from composer_core.music.affect import check_affect
from studio import session
from studio.wording.text import language, t

_HERE = Path(__file__).resolve().parent
_WORDS = (
    "pad",
    "hint",
    "suggested",
    "valence",
    "valenceLow",
    "valenceHigh",
    "arousal",
    "arousalLow",
    "arousalHigh",
    "quadrant1",
    "quadrant2",
    "quadrant3",
    "quadrant4",
)
PAD_HTML, PAD_CSS, PAD_JS = (
    (_HERE / name).read_text(encoding="utf-8") for name in ("xypad.html", "xypad.css", "pad.js")
)
"""The parts of the pad, for a component that holds one."""

_component = st.components.v2.component(
    "composer_xypad",
    html=PAD_HTML,
    css=PAD_CSS,
    js=PAD_JS + (_HERE / "xypad.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True)
class XYValue:
    """Valence -1 to 1, arousal 0 to 1."""

    valence: float
    arousal: float


def xy_pad(
    *,
    key: str,
    valence: float,
    arousal: float,
    suggested: tuple[float, float] | None = None,
    used: tuple[bool, bool] = (True, True),
) -> XYValue:
    """Draw the pad and return where its dot is.

    The dot starts at `valence`, `arousal` and goes back there whenever the caller passes
    another value than last time. `suggested` draws a dashed ring (valence, arousal);
    `used` greys out an axis that is not given. Raises InvalidValue for values out of range.
    """
    check_affect(valence, arousal)
    held = session.pad_value(key, (valence, arousal))
    data = {
        "valence": held["value"][0],
        "arousal": held["value"][1],
        "seq": held["seq"],
        "suggested": suggested,
        "used": used,
        "language": language(),
        "moods": _anchors(),
        "words": pad_words(),
    }
    mount = f"xypad.{key}"
    _component(key=mount, data=data, on_committed_change=lambda: _commit(key, mount))
    return XYValue(*session.pad_value(key, (valence, arousal))["value"])


def pad_words() -> dict[str, str]:
    """The texts of the pad by the names its script knows."""
    return {word: t(f"xypad.{word}") for word in _WORDS}


def _commit(key: str, mount: str) -> None:
    committed: dict[str, Any] | None = st.session_state[mount].get("committed")
    if committed:
        session.commit_pad(key, (committed["valence"], committed["arousal"]), committed["seq"])


def _anchors() -> list[dict[str, Any]]:
    """The named moods with the place of their anchors, in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    japanese = language() == "ja"
    return [
        {"name": mood.name_ja if japanese else mood.name_en, "valence": mood.valence, "arousal": mood.arousal}
        for mood in vocabularies().moods.values()
    ]
