"""The filters beside the table: values with the number of loops each would leave, ranges over their histograms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from composer_core.estimate.scores.axes import AXES
from composer_core.estimate.scores.profiles import PROFILES
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.key import MODES, ROOT_NAMES
from composer_core.pipeline.library.browse import Facet
from composer_core.pipeline.library.distributions import Histogram
from composer_core.pipeline.library.filters import CHOICES, Filter
from composer_core.pipeline.library.query import JUDGED_PREFIX
from composer_core.workspace import Workspace
from studio import queries
from studio.components.facets import Choices, FacetChoice, Option, RangeFacet, facet_rail
from studio.library import state as library_state
from studio.library.import_words import shown_path
from studio.library.rows import named
from studio.library.view import ask, current_view
from studio.wording.names import genre_name, instrument_name, mood_name
from studio.wording.text import t

SWING_PHASES = ("straight", "swing_8", "swing_16", "triplet")
LABEL_STATUSES = ("unlabelled", "suggested", "annotated", "draft", "approved", "rejected", "disputed")
ORIGINS = ("imported", "generated")
TEMPO, TOTAL = "tempo_bpm", JUDGED_PREFIX + "total"
SCORES = tuple(JUDGED_PREFIX + axis for axis in AXES)
RANGES = (TEMPO, TOTAL, *SCORES)
_OPEN = ("instrument", "status", "profile", TEMPO, TOTAL)
_ORDER = {"instrument": INSTRUMENTS, "status": LABEL_STATUSES, "swing": SWING_PHASES, "origin": ORIGINS}
_ORDER |= {"profile": PROFILES}
_ORDER |= {"key_root": ROOT_NAMES, "key_mode": tuple(MODES), "measured_root": ROOT_NAMES, "measured_mode": tuple(MODES)}
_BINS = 30
_SCORE_BOUNDS = (0.0, 100.0)
_HALF_BPM = 0.49
"""Tempi are asked for as the table shows them, in whole numbers: 99.6 counts as 100."""


def draw_filters(workspace: Workspace, filter: Filter) -> None:
    """Draw the filters; what a person asks for goes into the view."""
    columns = queries.columns(workspace)
    groups: list[Choices | RangeFacet] = []
    asked_for = _asked(filter)
    unfolded = library_state.unfolded_filters() or _OPEN
    for name in _places(columns):
        is_open = name in unfolded or name in asked_for
        make = _range if name in RANGES else _choices
        group = make(workspace, name, filter, is_open)
        if group is not None:
            groups.append(group)
    groups += [_source_group(workspace, filter)] if filter.sources else []
    asked = FacetChoice(filter.text, asked_for, library_state.filter_count())
    facet_rail(key="library.filters", groups=groups, asked=asked, on_change=_take_over)


def filter_of(asked: FacetChoice, before: Filter) -> Filter:
    """The Filter the rail asks for; what the rail cannot show (hidden duplicates, a pass mark) stays as before."""
    chosen: dict[str, Any] = asked.asked
    choices: dict[str, Any] = {field: tuple(map(str, chosen.get(n, ()))) for n, field in CHOICES.items()}
    found = replace(before, text=asked.text.strip(), **choices)
    for column in RANGES:
        low, high = chosen.get(column, (None, None))
        if column == TEMPO and low is not None:
            low, high = low - _HALF_BPM, high + _HALF_BPM
        found = found.with_range(column, low, high)
    return found


def field_values(name: str) -> Callable[[str], str]:
    """How values of a field are called on screen."""
    return _NAMES.get(name, str)


def _take_over(asked: FacetChoice) -> None:
    library_state.set_filter_count(asked.seq)
    library_state.unfold_filters(asked.open)
    before = current_view().filter
    wanted = filter_of(asked, before)
    if wanted != before:
        ask(wanted)


def _places(columns: dict[str, str]) -> list[str]:
    """The filters in the order they are drawn."""
    order = ["instrument", "status", "profile", TOTAL, TEMPO, "genre", "emotion"]
    order += ["measured_root", "measured_mode", "key_root", "key_mode"]
    order += ["swing", "meter", *SCORES, "origin", *(["dataset"] if "dataset" in columns else [])]
    return [name for name in order if name not in RANGES or name in columns]


def _asked(filter: Filter) -> dict[str, Any]:
    found: dict[str, Any] = {name: list(getattr(filter, field)) for name, field in CHOICES.items()}
    for column in RANGES:
        span = filter.range_of(column)
        if span is not None:
            low, high = (span[0] if math.isfinite(span[0]) else 0, span[1] if math.isfinite(span[1]) else 1000)
            found[column] = [math.ceil(low), math.floor(high)] if column == TEMPO else [low, high]
    return {name: value for name, value in found.items() if value}


def _choices(workspace: Workspace, name: str, filter: Filter, is_open: bool) -> Choices | None:
    title = t(f"library.{name}")
    if not is_open:
        return Choices(name, title, (), counted=False) if queries.has_values(workspace, name) else None
    counted = queries.facets(workspace, filter, (name,))[name]
    found = {facet.value: facet.n_loops for facet in counted if facet.value}
    chosen = getattr(filter, CHOICES[name])
    codes = [code for code in _ORDER.get(name, ()) if code in found]
    codes += [code for code in found if code not in codes]
    codes += [code for code in chosen if code not in codes]
    if not codes:
        return None
    words = field_values(name)
    options = [Option(code, words(code), found.get(code, 0)) for code in codes]
    return Choices(name, title, options, True)


def _source_group(workspace: Workspace, filter: Filter) -> Choices:
    counted: list[Facet] = queries.facets(workspace, filter, ("source",))["source"]
    found = {facet.value: facet.n_loops for facet in counted}
    options = [Option(code, shown_path(code, workspace), found.get(code, 0)) for code in filter.sources]
    return Choices("source", t("library.source_file"), options, True)


def _range(workspace: Workspace, column: str, filter: Filter, is_open: bool) -> RangeFacet | None:
    if not is_open:
        known = queries.has_values(workspace, column)
        return RangeFacet(column, range_title(column), _SCORE_BOUNDS, (), counted=False) if known else None
    span = queries.span(workspace, column)
    if span is None:
        return None
    bounds = _SCORE_BOUNDS if column != TEMPO else (math.floor(span[0]), math.ceil(span[1]))
    bounds = (bounds[0], max(bounds[1], bounds[0] + 1))
    answering = queries.histogram(workspace, column, filter.dropping(column), _BINS, None, bounds)
    unit = "BPM" if column == TEMPO else ""
    return RangeFacet(column, range_title(column), bounds, _counts(answering), unit, 1, True)


def range_title(column: str) -> str:
    """A range filter's name."""
    return t("library.tempo") if column == TEMPO else t(f"score.{column.removeprefix(JUDGED_PREFIX)}")


def _counts(found: Histogram) -> list[int]:
    columns = list(found.counts.values())
    return [int(sum(column[i] for column in columns)) for i in range(_BINS)] if columns else [0] * _BINS


_NAMES: dict[str, Callable[[str], str]] = {
    "instrument": lambda code: named(instrument_name, code),
    "status": lambda code: named(lambda known: t(f"status.{known}"), code),
    "genre": lambda code: named(genre_name, code),
    "emotion": lambda code: named(mood_name, code),
    "key_root": lambda code: code.replace("#", "♯").replace("b", "♭"),
    "key_mode": lambda code: named(lambda known: t(f"mode.{known}"), code),
    "measured_root": lambda code: code.replace("#", "♯").replace("b", "♭"),
    "measured_mode": lambda code: named(lambda known: t(f"mode.{known}"), code),
    "swing": lambda code: named(lambda known: t(f"swing.{known}"), code),
    "origin": lambda code: named(lambda known: t(f"origin.{known}"), code),
    "profile": lambda code: named(lambda known: t(f"profile.{known}"), code),
}
