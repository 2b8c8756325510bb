"""Which loops the Library shows. The filters live in the page's address, so that a view can be kept and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.music.instruments import INSTRUMENTS
from studio import session
from studio.library_frame import SWING_PHASES
from studio.names import instrument_name
from studio.text import t

LABEL_STATUSES = ("unlabelled", "suggested", "draft", "approved", "rejected", "disputed")
ORIGINS = ("imported", "generated")
_PREFIX = "library.filter."
_COLUMN = {"instrument": "instrument", "meter": "meter", "swing": "swing_phase", "origin": "origin", "status": "status"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; empty fields ask for nothing. `tempo` is (from, to) in BPM."""

    search: str = ""
    instrument: tuple[str, ...] = ()
    meter: tuple[str, ...] = ()
    swing: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    tempo: tuple[int, int] | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Filters:
        """Read an address; anything in it that makes no sense is left out."""
        chosen = {name: tuple(filter(None, params.get(name, "").split(","))) for name in _COLUMN}
        return cls(search=params.get("q", ""), tempo=_tempo(params.get("tempo", "")), **chosen)

    def to_params(self) -> dict[str, str]:
        """What `from_params` reads back; only what is asked for."""
        params = {name: ",".join(getattr(self, name)) for name in _COLUMN}
        params |= {"q": self.search, "tempo": "{}-{}".format(*self.tempo) if self.tempo else ""}
        return {name: value for name, value in params.items() if value}

    def apply(self, loops: pd.DataFrame) -> pd.DataFrame:
        """The loops that answer every filter. Search looks for each word in the name, the track and the take."""
        keep = pd.Series(True, index=loops.index)
        for name, column in _COLUMN.items():
            if getattr(self, name):
                keep &= loops[column].isin(getattr(self, name))
        if self.tempo:
            keep &= loops["tempo_bpm"].round().between(*self.tempo)
        text = (
            loops["title"] + "\n" + loops["source"] + "\n" + loops["member"] + "\n" + loops["track_name"]
        ).str.casefold()
        for word in self.search.casefold().split():
            keep &= text.str.contains(word, regex=False)
        return loops[keep]


def _tempo(text: str) -> tuple[int, int] | None:
    low, _, high = text.partition("-")
    if low.isdecimal() and high.isdecimal() and len(text) < 12:
        return int(low), int(high)
    return None


def draw_filters(loops: pd.DataFrame) -> Filters:
    """Draw the filters over a library, keep the address in step, and return what is asked for."""
    session.default_widgets(_first_values(loops))
    search, instrument, status, tempo, more = st.columns([1.5, 1.3, 1.3, 1.3, 0.9], vertical_alignment="bottom")
    search.text_input(
        t("library.search"),
        placeholder=t("library.search_hint"),
        key=_PREFIX + "q",
        icon=":material/search:",
        persist_state="session",
    )
    _choice(instrument, "instrument", _present(loops, "instrument", INSTRUMENTS), instrument_name)
    _choice(status, "status", list(LABEL_STATUSES), lambda code: t(f"status.{code}"))
    with more.popover(t("library.more_filters"), width="stretch"):
        _choice(st, "meter", sorted(loops["meter"].unique()), str)
        _choice(st, "swing", _present(loops, "swing_phase", SWING_PHASES), lambda code: t(f"swing.{code}"))
        _choice(st, "origin", _present(loops, "origin", ORIGINS), lambda code: t(f"origin.{code}"))
    filters = Filters(
        search=session.widget(_PREFIX + "q"),
        tempo=_draw_tempo(tempo, loops),
        **{name: tuple(session.widget(_PREFIX + name)) for name in _COLUMN},
    )
    if dict(st.query_params) != filters.to_params():
        st.query_params.from_dict(filters.to_params())
    return filters


def clear_filters() -> None:
    """Ask for nothing again; for a button's callback."""
    st.query_params.clear()
    session.forget_widgets(_PREFIX)


def _first_values(loops: pd.DataFrame) -> dict[str, Any]:
    asked = Filters.from_params(st.query_params.to_dict())
    low, high = _tempo_bounds(loops)
    wanted = asked.tempo or (low, high)
    tempo = (min(max(wanted[0], low), high), max(min(wanted[1], high), low))
    first: dict[str, Any] = {_PREFIX + "q": asked.search, _PREFIX + "tempo": (min(tempo), max(tempo))}
    known = {name: set(loops[column]) for name, column in _COLUMN.items()} | {"status": set(LABEL_STATUSES)}
    return first | {_PREFIX + name: [c for c in getattr(asked, name) if c in known[name]] for name in _COLUMN}


def _tempo_bounds(loops: pd.DataFrame) -> tuple[int, int]:
    low, high = round(loops["tempo_bpm"].min()), round(loops["tempo_bpm"].max())
    return low, max(high, low + 1)


def _draw_tempo(place: Any, loops: pd.DataFrame) -> tuple[int, int] | None:
    """The tempo slider; None while it spans the whole library."""
    bounds = _tempo_bounds(loops)
    low, high = session.widget(_PREFIX + "tempo")
    session.set_widget(_PREFIX + "tempo", (min(max(low, bounds[0]), bounds[1]), max(min(high, bounds[1]), bounds[0])))
    place.slider(t("library.tempo"), *bounds, key=_PREFIX + "tempo", format="%d BPM", persist_state="session")
    chosen: tuple[int, int] = session.widget(_PREFIX + "tempo")
    return None if chosen == bounds else chosen


def _present(loops: pd.DataFrame, column: str, order: tuple[str, ...]) -> list[str]:
    found = set(loops[column])
    return [code for code in order if code in found]


def _choice(place: Any, name: str, options: list[str], words: Any) -> None:
    place.multiselect(
        t(f"library.{name}"),
        options,
        format_func=words,
        placeholder=t("library.any"),
        key=_PREFIX + name,
        persist_state="session",
    )
