"""Cached queries of the library that several pages share.

An answer is kept under the version of the library (loops and labels) and the arguments of the query, and
is shared by all sessions, so never change one in place. Reading through this cache keeps a rerun cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from composer_core.errors import NotFound
from composer_core.pipeline.library import browse, distributions, rescoring
from composer_core.pipeline.library.browse import Facet, Page
from composer_core.pipeline.library.distributions import Histogram, Projection, Sample
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.rescoring import ScorePreview
from composer_core.pipeline.library.similar import Similar
from composer_core.pipeline.library.similar import similar as similar_loops
from composer_core.workspace import Workspace
from studio import session
from studio.wording.loop_names import loop_title

ROWS_A_PAGE = 50
SCATTER_POINTS = 4000
_KEPT = 256
Answer = TypeVar("Answer")


def page(workspace: Workspace, filter: Filter, sort: tuple[tuple[str, bool], ...], index: int) -> Page:
    """One page of the table, `index` from 0."""
    answer: Page = _ask(workspace, browse.page, filter, sort, index * ROWS_A_PAGE, ROWS_A_PAGE)
    return answer


def facets(workspace: Workspace, filter: Filter, fields: tuple[str, ...]) -> dict[str, list[Facet]]:
    """The values of some fields, each with the number of loops left when it is chosen."""
    return {name: _ask(workspace, browse.facets, filter, (name,))[name] for name in fields}


def has_values(workspace: Workspace, field: str) -> bool:
    """Whether any loop of the library has a value of a field."""
    answer: bool = _ask(workspace, browse.has_values, field)
    return answer


def span(workspace: Workspace, column: str) -> tuple[float, float] | None:
    """Smallest and largest value of a column in the whole library; None where no loop has one."""
    answer: tuple[float, float] | None = _ask(workspace, browse.span, column)
    return answer


def histogram(
    workspace: Workspace,
    column: str,
    filter: Filter,
    bins: int,
    split: str | None = None,
    span: tuple[float, float] | None = None,
) -> Histogram:
    """Histogram of a column over the matching loops, split by a field if one is named."""
    answer: Histogram = _ask(workspace, distributions.histogram, column, filter, bins, split, span)
    return answer


def scatter(workspace: Workspace, x: str, y: str, filter: Filter, colour: str | None) -> Sample:
    """A sample of the matching loops as points over two columns."""
    answer: Sample = _ask(workspace, distributions.scatter, x, y, filter, SCATTER_POINTS, colour)
    return answer


def projection(workspace: Workspace, filter: Filter, colour: str | None) -> Projection:
    """A sample of the matching loops in the plane of the first two principal components of their metrics."""
    answer: Projection = _ask(workspace, distributions.projection, filter, SCATTER_POINTS, colour)
    return answer


def rows(workspace: Workspace, loop_ids: tuple[str, ...]) -> pd.DataFrame:
    """All columns of some loops; NotFound names one that is not there."""
    answer: pd.DataFrame = _ask(workspace, browse.rows, loop_ids)
    return answer


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table, each by the names of its columns."""
    found: list[Any] = frame.to_dict("records")
    return found


def row(workspace: Workspace, loop_id: str) -> dict[str, object]:
    """All columns of one loop; NotFound when it is not there."""
    return records(rows(workspace, (loop_id,)))[0]


def columns(workspace: Workspace) -> dict[str, str]:
    """Every column with its kind."""
    answer: dict[str, str] = _ask(workspace, browse.columns)
    return answer


def count(workspace: Workspace, filter: Filter | None = None) -> int:
    """How many loops match; all of them without a filter."""
    answer: int = _ask(workspace, browse.count, filter or Filter())
    return answer


def similar(workspace: Workspace, loop_id: str, k: int, by: str) -> list[Similar]:
    """The k loops most similar to a loop of the library by one of the WAYS, the nearest first."""
    answer: list[Similar] = _ask(workspace, similar_loops, loop_id, k, by)
    return answer


def preview(
    workspace: Workspace, pass_mark: float, weights: Mapping[str, float] | None, filter: Filter | None = None
) -> ScorePreview:
    """The retry queue and the distribution of totals of the matching loops under other settings."""
    answer: ScorePreview = _ask(workspace, rescoring.preview_scores, pass_mark, weights, filter or Filter())
    return answer


def percentile_lists(workspace: Workspace, instrument: str) -> dict[str, list[float]]:
    """The 0th to the 100th percentile of each metric among the library's loops of an instrument."""
    answer: dict[str, list[float]] = {
        name: values.tolist() for name, values in _ask(workspace, distributions.percentiles, instrument).items()
    }
    return answer


def title_of(workspace: Workspace, loop_id: str) -> str:
    """The title of one loop, "" when the library has none of that id."""
    try:
        return loop_title(row(workspace, loop_id))
    except NotFound:
        return ""


def cached_answer(workspace: Workspace, question: Callable[..., Answer], *arguments: object) -> Answer:
    """The cached answer to a question about a workspace, computed again only after loops or labels change."""
    answer: Answer = _ask(workspace, question, *arguments)
    return answer


def _ask(workspace: Workspace, question: Callable[..., Any], *arguments: Any) -> Any:
    root = str(workspace.root)
    version = session.looked_up(f"version {root}", lambda: browse.version(workspace))
    return _answer(root, version, question.__name__, _key(arguments), question, arguments)


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _answer(root: str, version: str, name: str, key: str, _question: Callable[..., Any], _arguments: Any) -> Any:
    assert version and name and key
    return _question(Workspace(Path(root)), *_arguments)


def _key(arguments: tuple[Any, ...]) -> str:
    return repr(arguments)
