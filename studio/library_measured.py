"""Every measurement of a loop with its place among the library's loops of the same instrument."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.instruments import INSTRUMENTS
from composer_core.pipeline.legacy import legacy_of_file
from composer_core.workspace import Workspace
from studio import library_answers
from studio.library_rows import number
from studio.names import instrument_name, metric_meaning, metric_name, metric_unit
from studio.text import t

METRIC_PREFIX = "metrics."
_HEIGHT = 420


@dataclass(frozen=True, slots=True)
class Measured:
    """One value in words; `place` is the share of loops below it (0 to 1), None where it cannot be said."""

    family: str
    name: str
    value: str
    unit: str
    meaning: str
    place: float | None = None


def draw_measured(workspace: Workspace, row: Mapping[str, Any]) -> None:
    """The measurements by family."""
    instrument = str(row["instrument"])
    measured = measured_rows(row, library_answers.places(workspace, instrument))
    with st.container(height=_HEIGHT, border=False):
        st.caption(t("library.place_hint", instrument=instrument_name(instrument)))
        st.html(strips(measured))
        legacy = legacy_rows(legacy_of_file(workspace, str(row["source_digest"])))
        if legacy:
            st.caption(f"**{t('library.legacy')}**", help=t("library.legacy_help"))
            st.html(strips(legacy))


def measured_rows(row: Mapping[str, Any], places: Mapping[str, Sequence[float]]) -> list[Measured]:
    """Every metric the loop has, in the order of the registry."""
    found = []
    for name, metric in METRICS.items():
        value = number(row.get(METRIC_PREFIX + name))
        if value is not None:
            place = place_of(value, places.get(name, ()))
            words = f"{value:.3g}"
            found.append(
                Measured(metric.family, metric_name(name), words, metric_unit(name), metric_meaning(name), place)
            )
    return found


def family_name(code: str) -> str:
    """A family of metrics; those of one instrument are called as it is."""
    return instrument_name(code) if code in INSTRUMENTS else t(f"family.{code}")


def place_of(value: float, percentiles: Sequence[float]) -> float | None:
    """The share of loops below a value, ties counted half; `percentiles` are the 0th to the 100th."""
    if len(percentiles) < 2:
        return None
    below, not_above = bisect_left(percentiles, value), bisect_right(percentiles, value)
    return min(1.0, max(0.0, (below + not_above) / 2 / len(percentiles)))


def legacy_rows(said: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Measured]:
    """The predecessor's numbers for the loop's file, each named legacy_<kind>.<name>."""
    found = []
    for kind, entries in said.items():
        for entry in entries:
            numbers = {name: number(value) for name, value in entry.items()}
            found += [
                Measured("", f"{kind}.{name}", f"{v:.4g}", "", "") for name, v in numbers.items() if v is not None
            ]
    return found


def strips(rows: Sequence[Measured]) -> str:
    """The rows as HTML: name, value, and a strip with a mark at the loop's place; all text escaped."""
    parts = ['<div class="strips">']
    family = None
    for row in rows:
        if row.family and row.family != family:
            family = row.family
            parts.append(f'<div class="family">{escape(family_name(family))}</div>')
        parts.append(_strip(row))
    return "".join([*parts, "</div>"])


def _strip(row: Measured) -> str:
    name = f'<span class="name" title="{escape(row.meaning)}">{escape(row.name)}</span>'
    unit = f" <small>{escape(row.unit)}</small>" if row.unit else ""
    value = f'<span class="value">{escape(row.value)}{unit}</span>'
    if row.place is None:
        return f'<div class="strip">{name}{value}<span></span><span></span></div>'
    percent = round(100 * row.place)
    title = escape(t("library.place", percent=percent))
    mark = f'<span class="lane" title="{title}"><i style="left:{percent}%"></i></span>'
    return f'<div class="strip">{name}{value}{mark}<span class="place">{percent}</span></div>'
