"""The folded part of a request: techniques by instrument, and measures that count only when switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import streamlit as st

from composer_core.music.condition_field import PageControl
from composer_core.music.condition_fields import FOLDED, PITCHED_FIELDS
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.technique import TECHNIQUES
from studio import session
from studio.figures.roll import pitch_name
from studio.generate.request import Advanced
from studio.widgets import worded
from studio.wording.names import instrument_name, technique_name
from studio.wording.text import t

ADVANCED_DEFAULTS: dict[str, Any] = {
    **{f"generate.use_{name}": False for name in (*FOLDED, "register")},
    **{f"generate.{name}": control.first for name, control in FOLDED.items()},
    **{f"generate.register.{name}": round((low + high) / 2) for name, (low, high) in PITCH_RANGE.items()},
}


def advanced(instruments: Sequence[str]) -> Advanced:
    """Draw the folded controls; what is not switched on is not asked for."""
    alone: dict[str, dict[str, Any]] = {}
    for instrument in instruments:
        picked = _techniques(instrument)
        if picked:
            alone.setdefault(instrument, {})["technique"] = tuple(sorted(picked))
    pitched = [name for name in instruments if name != "drums"]
    measures = {}
    for name, control in FOLDED.items():
        value = _measure(name, control) if pitched or name not in PITCHED_FIELDS else None
        if value is not None:
            measures[name] = value
    if pitched and st.toggle(t("generate.use_register"), key="generate.use_register", persist_state="session"):
        for instrument in pitched:
            alone.setdefault(instrument, {})["register"] = _register(instrument)
    return Advanced(measures, alone)


def _techniques(instrument: str) -> list[str]:
    codes = TECHNIQUES[instrument]
    return list(
        st.pills(
            t("generate.technique_of", instrument=instrument_name(instrument)),
            codes,
            selection_mode="multi",
            format_func=worded(codes, lambda code: technique_name(instrument, code)),
            key=f"generate.technique.{instrument}",
            persist_state="session",
        )
    )


def _measure(name: str, control: PageControl) -> float | None:
    left, right = st.columns([1, 1.25], vertical_alignment="center")
    if not left.toggle(t(f"generate.use_{name}"), key=f"generate.use_{name}", persist_state="session"):
        return None
    return float(
        right.slider(
            t(f"generate.{name}"),
            *control.limits,
            step=control.step,
            format=t(f"generate.{name}_format"),
            label_visibility="collapsed",
            key=f"generate.{name}",
            persist_state="session",
        )
    )


def _register(instrument: str) -> float:
    low, high = PITCH_RANGE[instrument]
    pitches = list(range(low, high + 1))
    key = f"generate.register.{instrument}"
    name = instrument_name(instrument)
    return float(
        st.select_slider(name, pitches, format_func=worded(pitches, pitch_name), key=key, persist_state="session")
    )


def take_back_advanced(
    instruments: Sequence[str], measures: Mapping[str, object], alone: Mapping[str, Mapping[str, object]]
) -> None:
    """Set the controls to an earlier request; only from a callback."""
    for name in FOLDED:
        value = measures.get(name)
        session.set_widget(f"generate.use_{name}", value is not None)
        if value is not None:
            session.set_widget(f"generate.{name}", value)
    registers = {name: own["register"] for name, own in alone.items() if own.get("register") is not None}
    session.set_widget("generate.use_register", bool(registers))
    for name, pitch in registers.items():
        session.set_widget(f"generate.register.{name}", round(cast(float, pitch)))
    for name in instruments:
        session.set_widget(
            f"generate.technique.{name}", list(cast(Sequence[str], alone.get(name, {}).get("technique", ())))
        )
