"""The distributions of the Label page: what they show, and that each bar, dot and cell leads to its loops."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from composer_core.pipeline import vocabularies
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.kept_suggestions import suggest_missing
from composer_core.workspace import Workspace
from small_library import ids
from studio.label import spread as label_spread
from studio.label import state as label_state
from studio_app import desk_data, on_screen, open_label, text


@pytest.fixture
def labelled(library_workspace: Workspace) -> Workspace:
    """Two calm loops and a sad one; a model is sure that the first is happy."""
    for loop_id, emotion, valence in zip(
        ids(library_workspace), ("calm", "calm", "sad"), (0.4, 0.41, -0.6), strict=False
    ):
        values = {"emotion": emotion, "emotion_valence": valence, "emotion_arousal": 0.3}
        decisions.decide(library_workspace, loop_id, rater="ben", action="approve", values=values, seen={})
    return library_workspace


open_spread = partial(open_label, section="spread")


def chart(app: AppTest, name: str) -> dict[str, Any]:
    """The figure of one chart."""
    found = [e.proto for e in app.get("plotly_chart") if f"label.spread.chart.{name}" in e.proto.id]
    assert len(found) == 1
    figure: dict[str, Any] = json.loads(found[0].spec)
    return figure


def leads(figure: dict[str, Any]) -> list[Any]:
    return [row for trace in figure["data"] for row in trace.get("customdata", [])]


def queued(app: AppTest) -> list[str]:
    """Every loop on the desk: those made ready, as the browser has them, and those behind them."""
    waiting = app.session_state[label_state.LABEL_DESK].waiting
    return [*(hand["id"] for hand in desk_data(app)["hands"]), *(item.loop_id for item in waiting)]


def test_every_bar_and_cell_leads_to_exactly_its_loops(labelled: Workspace, spoken: str) -> None:
    app = open_spread(labelled, language=spoken)
    moods = vocabularies.vocabularies().moods
    names = [moods[code].name_ja if spoken == "ja" else moods[code].name_en for code in ("calm", "sad")]
    (counts,) = chart(app, "counts.emotion")["data"]
    shown = dict(zip(counts["y"], zip(counts["x"], counts["customdata"], strict=True), strict=True))
    assert {name: shown[name][0] for name in names} == {names[0]: 2, names[1]: 1}
    for length, leads_to in shown.values():
        assert len(label_spread.loops_behind(labelled, leads_to)) == length
    # 0.4 and 0.41 lie in one of sixteen bins over -1 to 1 (from 0.375 to 0.5), the third loop in another.
    found = [label_spread.loops_behind(labelled, cell) for cell in leads(chart(app, "plane"))]
    assert sorted(sorted(loops) for loops in found) == sorted([sorted(ids(labelled)[:2]), ids(labelled)[2:3]])


def test_what_is_missing_leads_to_the_loops_that_lack_it(labelled: Workspace) -> None:
    without, unapproved = chart(open_spread(labelled), "missing")["data"]
    row = without["customdata"].index(["without", "emotion"])
    # Two of the five loops have no emotion at all, and so none a person approved.
    assert (without["y"][row], unapproved["y"][row]) == (2, 2)
    for leads_to in (without["customdata"][row], unapproved["customdata"][row]):
        assert set(label_spread.loops_behind(labelled, leads_to)) == set(ids(labelled)[3:])


def test_scores_are_shown_by_label(labelled: Workspace) -> None:
    (scores,) = chart(open_spread(labelled), "scores.emotion.total")["data"]
    assert len(scores["x"]) == 2 and all(0 <= median <= 100 for median in scores["x"])
    assert [leads_to[:3] for leads_to in scores["customdata"]] == [
        ["labelled", "emotion", "calm"],
        ["labelled", "emotion", "sad"],
    ]


def test_a_model_that_differs_from_people_leads_to_the_loops(labelled: Workspace) -> None:
    suggest_missing(labelled)
    app = open_spread(labelled)
    hear = next(button for button in app.button if str(button.key).startswith("label.drift.") and not button.disabled)
    hear.click().run()
    assert not app.exception
    assert app.session_state["label.section"] == "desk"
    assert set(queued(app)) <= set(ids(labelled))
    assert on_screen(app)["why"] == text("label.why_from_chart")


def test_nothing_labelled_says_so(library_workspace: Workspace, spoken: str) -> None:
    said = "\n".join(str(caption.value) for caption in open_spread(library_workspace, language=spoken).caption)
    for key in ("label.spread_none", "label.drift_none"):
        assert text(key, spoken) in said
