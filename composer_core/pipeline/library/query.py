"""Map each choice of a Filter to its column, and keep one query object per workspace."""

from __future__ import annotations

import math
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.estimate.scores.profiles import PROGRAMMED
from composer_core.metrics import METRICS
from composer_core.music.genre import FAMILIES
from composer_core.pipeline.library.filters import CHOICES, Filter
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.projection import GENRES_COLUMN, LABEL_PREFIX, NOTE_COLUMN, STATUS_COLUMN
from composer_core.store.loops.declarations import LOOP_COLUMNS
from composer_core.store.loops.record import METRIC_PREFIX, PROGRAMMED_PREFIX
from composer_core.store.loops.record import SCORE_PREFIX as SCORE_PREFIX  # the studio imports it from here
from composer_core.store.search.conditions import AnyOf, Between, Condition, ContainsWords, Known, OneOf
from composer_core.store.search.derived import Derived, chosen, first_of
from composer_core.store.search.query import LibraryQuery
from composer_core.store.search.views import EXCLUDED, MEASURED_ROOT, NUMBER, TEXT
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

UNLABELLED = "unlabelled"
JUDGED_PROFILE, JUDGED_PREFIX = "judged_profile", "judged."
"""Column with the profile a loop's scores are read by, and the beginning of the names of these scores."""
LABELLED_PROFILE, MEASURED_PROFILE = LABEL_PREFIX + "score_profile", "score_profile"
"""What somebody says of a loop's profile counts over what was measured."""
CHOICE_COLUMN = {
    **{column.choice: column.name for column in LOOP_COLUMNS if column.choice},
    "genre": GENRES_COLUMN,
    "emotion": LABEL_PREFIX + "emotion",
    "technique": LABEL_PREFIX + "technique",
    "key_root": LABEL_PREFIX + "key_root",
    "key_mode": LABEL_PREFIX + "key_mode",
    "measured_root": MEASURED_ROOT,
    "status": STATUS_COLUMN,
    "dataset": "dataset",
    "profile": JUDGED_PROFILE,
}
SPLIT_COLUMN = {**CHOICE_COLUMN, "genre": LABEL_PREFIX + "genre"}
"""Where one value per loop is wanted."""
_SEARCHED = (*(column.name for column in LOOP_COLUMNS if column.searched), NOTE_COLUMN)


_queries: dict[Path, LibraryQuery] = {}
_queries_lock = threading.Lock()


def library_query(workspace: Workspace) -> LibraryQuery:
    """The query of a workspace, kept for the life of the process."""
    root = workspace.root.resolve()
    with _queries_lock:
        if root not in _queries:
            _queries[root] = LibraryQuery(Workspace(root), _expected_columns(), _derived_columns())
        return _queries[root]


def _expected_columns() -> dict[str, str]:
    prefixes = (SCORE_PREFIX, PROGRAMMED_PREFIX)
    numbers = [METRIC_PREFIX + name for name in METRICS]
    numbers += [prefix + axis for prefix in prefixes for axis in SCORE_NAMES]
    return {**dict.fromkeys(numbers, NUMBER), "dataset": TEXT}


def _derived_columns() -> dict[str, Derived]:
    """The profile that counts, and the scores by it; loops that nothing is said of are judged as performed."""
    scores = {
        JUDGED_PREFIX + axis: chosen(
            NUMBER, (LABELLED_PROFILE, MEASURED_PROFILE), {PROGRAMMED: PROGRAMMED_PREFIX + axis}, SCORE_PREFIX + axis
        )
        for axis in SCORE_NAMES
    }
    return {JUDGED_PROFILE: first_of(TEXT, (LABELLED_PROFILE, MEASURED_PROFILE)), **scores}


def family_mark(field: str | None) -> str:
    """Where codes of a field are cut to count families: genre codes at the sub-style."""
    return "-" if field == "genre" else ""


def value_name(field: str, value: object) -> str | None:
    """A value of a field as facets name it; None stands for none."""
    if value is None:
        return UNLABELLED if CHOICE_COLUMN.get(field, field) == STATUS_COLUMN else None
    return str(value)


def conditions_of(filter: Filter) -> list[Condition]:
    """What a Filter asks, as conditions on columns."""
    found = [_choice(name, getattr(filter, field)) for name, field in CHOICES.items() if getattr(filter, field)]
    found += [_choice(name, (value,), negated=True) for name, value in filter.without]
    found += [Between(one.column, _finite(one.low), _finite(one.high)) for one in filter.ranges]
    if filter.below_total is not None:
        found.append(Between(JUDGED_PREFIX + "total", None, math.nextafter(filter.below_total, -math.inf)))
    if filter.hide_duplicates:
        found.append(Known("duplicate_of", negated=True))
    if filter.hide_excluded:
        found.append(Known(EXCLUDED, negated=True))
    if filter.loop_ids:
        found.append(OneOf("loop_id", filter.loop_ids))
    if filter.text.strip():
        found.append(ContainsWords(_SEARCHED, tuple(filter.text.split())))
    return found


def _choice(name: str, values: tuple[str, ...], negated: bool = False) -> Condition:
    if name == "genre":
        return AnyOf(GENRES_COLUMN, _with_styles(values), negated)
    if name == "technique":
        return AnyOf(CHOICE_COLUMN[name], values, negated)
    given = tuple(None if name == "status" and value == UNLABELLED else value for value in values)
    return OneOf(CHOICE_COLUMN[name], given, negated)


@cache
def _with_styles(values: tuple[str, ...]) -> tuple[str, ...]:
    """Genre codes, each family followed by its sub-styles."""
    codes = [code for value in values for code in (value, *_styles(value))]
    return tuple(dict.fromkeys(codes))


def _styles(family: str) -> list[str]:
    return [code for code in vocabularies().genres if family in FAMILIES and code.startswith(f"{family}-")]


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Rows of a query as a data frame; loops without a label have the status `unlabelled`."""
    frame: pd.DataFrame = table.to_pandas()
    if STATUS_COLUMN in frame.columns:
        frame[STATUS_COLUMN] = frame[STATUS_COLUMN].fillna(UNLABELLED)
    return frame
