"""Show every measurement of a loop with its place among the library's loops of the same instrument."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.instruments import INSTRUMENTS
from composer_core.pipeline.datasets.legacy import legacy_of_file
from composer_core.pipeline.scoring import among_humans
from composer_core.workspace import Workspace
from studio import queries, session
from studio.library.profiles import profile_of
from studio.library.rows import number
from studio.widgets import worded
from studio.wording.names import instrument_name, metric_meaning, metric_name, metric_unit, metric_value
from studio.wording.text import t

METRIC_PREFIX = "metrics."
AMONG = "library.among"
REFERENCE, LIBRARY = _CHOICES = ("reference", "library")
_HEIGHT = 380


@dataclass(frozen=True, slots=True)
class MetricText:
    """One value in words; `place` is the share of loops below it (0 to 1), None where it cannot be said."""

    family: str
    name: str
    value: str
    unit: str
    meaning: str
    place: float | None = None


def draw_measured(workspace: Workspace, row: Mapping[str, object]) -> None:
    """The measurements by family, each with its place among the reference or the library."""
    session.default_widgets({AMONG: REFERENCE})
    among = st.segmented_control(
        t("library.among"),
        _CHOICES,
        format_func=worded(_CHOICES, lambda code: t(f"library.among_{code}")),
        key=AMONG,
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    places, hint = _among_reference(row) if among == REFERENCE else _among_library(workspace, row)
    with st.container(height=_HEIGHT, border=False):
        st.caption(hint)
        st.html(strips(measured_rows(row, places)))
        legacy = legacy_rows(legacy_of_file(workspace, str(row["source_digest"])))
        if legacy:
            st.caption(f"**{t('library.legacy')}**", help=t("library.legacy_help"))
            st.html(strips(legacy))


def _among_reference(row: Mapping[str, Any]) -> tuple[Mapping[str, float], str]:
    instrument = str(row["instrument"])
    values = {name: value for name in METRICS if (value := number(row.get(METRIC_PREFIX + name))) is not None}
    reference = among_humans(instrument, int(row["bars"]), values, profile_of(row))
    if reference is None:
        return {}, t("library.place_none")
    return reference.places, t("library.place_reference", instrument=instrument_name(instrument), bars=reference.bars)


def _among_library(workspace: Workspace, row: Mapping[str, Any]) -> tuple[Mapping[str, float], str]:
    instrument = str(row["instrument"])
    found = {}
    for name, percentiles in queries.percentile_lists(workspace, instrument).items():
        value = number(row.get(METRIC_PREFIX + name))
        place = None if value is None else percentile_of(value, percentiles)
        if place is not None:
            found[name] = place
    return found, t("library.place_library", instrument=instrument_name(instrument))


def measured_rows(row: Mapping[str, object], places: Mapping[str, float]) -> list[MetricText]:
    """Every metric the loop has, in the order of the registry, with the share of loops below it where there is one."""
    found = []
    for name, metric in METRICS.items():
        value = number(row.get(METRIC_PREFIX + name))
        if value is not None:
            words = (metric_name(name), metric_value(name, value), metric_unit(name), metric_meaning(name))
            found.append(MetricText(metric.family, *words, places.get(name)))
    return found


def family_name(code: str) -> str:
    """A family of metrics; those of one instrument are called as it is."""
    return instrument_name(code) if code in INSTRUMENTS else t(f"family.{code}")


def percentile_of(value: float, percentiles: Sequence[float]) -> float | None:
    """The share of loops below a value, ties counted half; `percentiles` are the 0th to the 100th."""
    if len(percentiles) < 2:
        return None
    below, not_above = bisect_left(percentiles, value), bisect_right(percentiles, value)
    return min(1.0, max(0.0, (below + not_above) / 2 / len(percentiles)))


def legacy_rows(said: Mapping[str, Sequence[Mapping[str, object]]]) -> list[MetricText]:
    """The predecessor's numbers for the loop's file, each named legacy_<kind>.<name>."""
    found = []
    for kind, entries in said.items():
        for entry in entries:
            numbers = {name: number(value) for name, value in entry.items()}
            found += [
                MetricText("", f"{kind}.{name}", f"{v:.4g}", "", "") for name, v in numbers.items() if v is not None
            ]
    return found


def strips(rows: Sequence[MetricText]) -> str:
    """The rows as HTML: name, value, and a strip with a mark at the loop's place; all text escaped.

    Where no row has a place, names and values have the whole width.
    """
    is_placed = any(row.place is not None for row in rows)
    parts = [f'<div class="strips{"" if is_placed else " unplaced"}">']
    family = None
    for row in rows:
        if row.family and row.family != family:
            family = row.family
            parts.append(f'<div class="family">{escape(family_name(family))}</div>')
        parts.append(_strip(row))
    return "".join([*parts, "</div>"])


def _strip(row: MetricText) -> str:
    whole = t("common.named", name=row.name, value=row.meaning) if row.meaning else row.name
    name = f'<span class="name" title="{escape(whole)}">{escape(row.name)}</span>'
    unit = f" <small>{escape(row.unit)}</small>" if row.unit else ""
    value = f'<span class="value">{escape(row.value)}{unit}</span>'
    if row.place is None:
        return f'<div class="strip">{name}{value}<span></span><span></span></div>'
    percent = round(100 * row.place)
    title = escape(t("library.place", percent=percent))
    mark = f'<span class="lane" title="{title}"><i style="left:{percent}%"></i></span>'
    return f'<div class="strip">{name}{value}{mark}<span class="place">{percent}</span></div>'
