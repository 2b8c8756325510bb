"""Similar loops: in the detail of the Library, and for a loop that is not in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import studio_app
from composer_core.pipeline import library
from composer_core.workspace import Workspace

# Without its swing the shuffle has the rhythm of the first half; by what is measured the other half is nearest.
NEAREST = (("fingerprint", "=shuffle"), ("metrics", "rock=beat"))


def rock(workspace: Workspace) -> str:
    """The first half of the rock file."""
    table = library.table(workspace)
    return str(table["loop_id"][table["source"].str.endswith("rock=beat.mid")].iloc[0])


def near_rows(app: AppTest, place: int) -> list[dict[str, Any]]:
    """The rows of a table of loops, by its place on the page."""
    tables = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "composer_loop_table"]
    rows: list[dict[str, Any]] = json.loads(tables[place].json)["rows"]
    return rows


@pytest.mark.parametrize(("by", "nearest"), NEAREST)
def test_the_detail_lists_them_nearest_first(library_workspace: Workspace, by: str, nearest: str) -> None:
    app = studio_app.open_studio()
    app.query_params.update({"loop": rock(library_workspace)})
    app.switch_page("../pages/library.py").run()
    app.segmented_control(key="library.detail_tab").set_value("similar").run()
    app.segmented_control(key="library.similar.by").set_value(by).run()
    assert not app.exception and not app.error
    near = near_rows(app, 1)
    assert len(near) == 3 and near[0]["title"] == nearest  # three other drum loops
    distances = [float(row["cells"]["near"]) for row in near]
    assert distances == sorted(distances) and 0 <= distances[0] <= distances[-1] <= 1


def panel() -> None:
    """A page with nothing but the panel, for the take named in the session."""
    import streamlit as st

    from composer_core.pipeline import library
    from studio import session
    from studio.similar_loops import draw_similar_to

    workspace = session.workspace()
    draw_similar_to(workspace, library.load_loop(workspace, st.session_state["which"]), "take.1.similar")


@pytest.mark.parametrize(("by", "first"), [("fingerprint", {"rock=beat", "=shuffle"}), ("metrics", {"rock=beat"})])
def test_a_loop_from_elsewhere_is_compared_too(library_workspace: Workspace, by: str, first: set[str]) -> None:
    app = AppTest.from_function(panel)
    app.session_state["which"] = rock(library_workspace)
    app.run()
    app.segmented_control(key="take.1.similar.by").set_value(by).run()
    assert not app.exception
    near = near_rows(app, 0)
    # It finds itself (by rhythm beside the shuffle, which is as near), then the others of its instrument.
    assert len(near) == 4 and near[0]["title"] in first and near[0]["cells"]["near"] == "0.00"
