"""Similar loops: in the detail of the Library, and for a loop that is not in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import studio_app
from composer_core.pipeline.library import loops
from composer_core.workspace import Workspace

# Without its swing the shuffle has the rhythm of the first half; by what is measured the other half is nearest.
NEAREST = (("fingerprint", "=shuffle"), ("metrics", "rock=beat"))


def rock(workspace: Workspace) -> str:
    """The first half of the rock file."""
    table = loops.table(workspace)
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
