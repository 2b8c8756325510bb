"""Filters: into an address and back, and the language of --where."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.pipeline.library.filters import CHOICES, EVERYTHING, ColumnRange, Filter, parse_where

NUMBERS = ("tempo_bpm", "metrics.syncopation", "scores.total")
_words = st.tuples(*[st.text(min_size=1, max_size=8)] * 2) | st.just(())
_bounds = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    choices = {field: draw(_words) for field in CHOICES.values()}
    columns = draw(st.sets(st.sampled_from(NUMBERS)))
    ranges = []
    for column in sorted(columns):
        low, high = draw(_bounds | st.just(-math.inf)), draw(_bounds | st.just(math.inf))
        if not (math.isinf(low) and math.isinf(high)):
            ranges.append(ColumnRange(column, low, high))
    return Filter(
        ranges=tuple(ranges),
        without=tuple(draw(st.lists(st.tuples(st.sampled_from(list(CHOICES)), st.text(min_size=1)), max_size=2))),
        text=draw(st.text()),
        below_total=draw(st.none() | _bounds),
        hide_duplicates=draw(st.booleans()),
        hide_excluded=draw(st.booleans()),
        **choices,
    )


@given(filters())
def test_an_address_keeps_a_filter_whole(asked: Filter) -> None:
    assert Filter.from_query(asked.to_query()) == asked


@given(st.dictionaries(st.sampled_from([*CHOICES, *NUMBERS, "q", "not", "below", "hide"]), st.text()))
def test_any_address_can_be_read(query: dict[str, str]) -> None:
    asked = Filter.from_query(query)
    assert Filter.from_query(asked.to_query()) == asked


def test_what_makes_no_sense_in_an_address_is_left_out() -> None:
    assert Filter.from_query({"tempo_bpm": "fast..", "below": "x", "not": "nonsense:1", "page": "3"}) == EVERYTHING


def test_the_language_of_where() -> None:
    text = """instrument=drums and tempo_bpm>=100 and tempo_bpm < 120 and genre=funk|jazz
              and text~"brush kit" and status!=approved|'draft'"""
    assert parse_where(text, NUMBERS) == Filter(
        instruments=("drums",),
        genres=("funk", "jazz"),
        ranges=(ColumnRange("tempo_bpm", 100.0, math.nextafter(120.0, 0)),),
        without=(("status", "approved"), ("status", "draft")),
        text="brush kit",
    )
    assert parse_where("  ", NUMBERS) == Filter()
    assert parse_where("label_status=approved and swing_phase=straight", NUMBERS) == Filter(
        statuses=("approved",), swing_phases=("straight",)
    )
    assert parse_where("scores.total=70", NUMBERS).range_of("scores.total") == (70, 70)
    assert parse_where("genre=funk|jazz and genre=jazz|rock", NUMBERS).genres == ("jazz",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tempo>100", "unknown option 'tempo' in --where; known are instrument"),
        ("tempo_bpm>fast", "tempo_bpm is 'fast'; expected a number"),
        ("tempo_bpm=90|100", "expected a number"),
        ("tempo_bpm~90", "expected one of = >="),
        ("instrument>drums", "expected one of = !="),
        ("instrument=drums tempo_bpm>1", "stopped at 'tempo_bpm'"),
        ("instrument=drums and", "stopped at 'its end'"),
        ("instrument", "stopped at"),
        ("instrument=", "stopped at"),
        ("instrument=drums|", "stopped at"),
        ("=drums", "stopped at '='"),
        ("instrument=drums or 1=1", "stopped at 'or'"),
        ("text~'open", "stopped at"),
        ("tempo_bpm>120 and tempo_bpm<100", "cannot be asked together"),
        ("genre=funk and genre=jazz", "cannot be asked together"),
    ],
)
def test_what_where_refuses(text: str, said: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_where(text, NUMBERS)
    assert said in str(caught.value)


@given(st.text())
def test_where_reads_or_refuses_any_text(text: str) -> None:
    try:
        parse_where(text, NUMBERS)
    except InvalidValue:
        return


def test_ranges_replace_each_other() -> None:
    asked = Filter().with_range("tempo_bpm", 90, None).with_range("a", 0, 1).with_range("tempo_bpm", 95, 100)
    assert asked.ranges == (ColumnRange("a", 0, 1), ColumnRange("tempo_bpm", 95, 100))
    assert asked.with_range("a", None, None).range_of("a") is None
    assert asked.dropping("tempo_bpm").range_of("tempo_bpm") is None
    assert Filter(genres=("funk",)).dropping("genre") == EVERYTHING
