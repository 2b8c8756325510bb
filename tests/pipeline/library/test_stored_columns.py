"""Who reads the declared columns of a loop: pages, charts, filters, searches, the master data set."""

from __future__ import annotations

from operator import attrgetter

import pytest

from composer_core.pipeline.exports import master
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import CHOICES, Filter
from composer_core.pipeline.library.query import CHOICE_COLUMN, conditions_of
from composer_core.store.loops.declarations import BY_NAME, LOOP_COLUMNS, LoopColumn
from composer_core.store.search.conditions import ContainsWords, OneOf
from studio.library.charts import axis_title

each = pytest.mark.parametrize("column", LOOP_COLUMNS, ids=attrgetter("name"))


@each
def test_a_column_is_offered_where_it_says(column: LoopColumn) -> None:
    assert (column.name in browse.LISTED) == column.shown
    assert (column.name in browse.PLOTTED) == column.plotted
    assert not column.plotted or axis_title(column.name)
    (words,) = conditions_of(Filter(text="word"))
    assert isinstance(words, ContainsWords) and (column.name in words.columns) == column.searched


@each
def test_a_filter_asks_for_its_choice(column: LoopColumn) -> None:
    assert (column.name in {CHOICE_COLUMN[name] for name in CHOICES}) == bool(column.choice)
    if column.choice:
        assert conditions_of(Filter().choosing(column.choice, ("x",))) == [OneOf(column.name, ("x",))]


def test_every_choice_has_a_column() -> None:
    assert {*CHOICES} == {*CHOICE_COLUMN}


def test_the_master_data_set_says_what_the_library_declares() -> None:
    # The metre there is the one that counts, which a label may say; the library's is its `file_meter`.
    copied = [column for column in master._BASIC if column.name in BY_NAME and column.name != "meter"]
    assert {column.kind for column in copied} == {"text", "count", "number"}
    assert all(column.meaning == BY_NAME[column.name].meaning for column in copied)
    assert all(BY_NAME[column.name].listed for column in copied)
