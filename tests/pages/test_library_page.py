"""The Library page through the router, on a small real library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import small_library
import studio_app
from composer_core.metrics import METRICS
from composer_core.pipeline import labelling, library
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace
from studio import session
from studio.text import dictionary

NOT_MIDI = b"RIFF, says this file, and holds no MIDI"


def text(key: str, language: str = "en", **values: Any) -> str:
    return dictionary()[key][language == "ja"].format(**values)


def open_library(params: dict[str, str] | None = None) -> AppTest:
    app = studio_app.open_studio()
    app.query_params.update(params or {})
    app.switch_page("../pages/library.py").run()
    assert not app.exception
    return app


def written(app: AppTest) -> str:
    """Everything the page says in words."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def loops_shown(app: AppTest) -> pd.DataFrame:
    found: pd.DataFrame = next(table.value for table in app.dataframe if "swing" in table.value)
    return found


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_empty_library_welcomes_with_the_import(empty_workspace: Workspace, spoken: str) -> None:
    app = open_library()
    assert text("library.welcome", spoken) in written(app)
    assert app.button(key="library.import_now").label == text("library.import_now", spoken)
    press(app, "library.import_now")
    assert text("library.nothing_chosen", spoken) in written(app)
    assert text("library.no_imports", spoken) in written(app)


def test_path_that_is_not_there_is_said_by_name(empty_workspace: Workspace) -> None:
    app = open_library()
    app.text_input(key="library.folder").set_value("/no/such/folder").run()
    press(app, "library.import_now")
    assert "/no/such/folder does not exist" in written(app)
    assert library.table(empty_workspace).empty


def test_import_by_path_tells_every_file_and_leads_to_the_loops(
    empty_workspace: Workspace, tmp_path: Path, spoken: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "shuffle.mid").write_bytes(loop_to_midi(small_library.shuffle()))
    (folder / "broken.mid").write_bytes(NOT_MIDI)
    (folder / "readme.txt").write_text("no music")
    app = open_library()
    app.text_input(key="library.folder").set_value(str(folder)).run()
    press(app, "library.import_now")
    assert [metric.value for metric in app.metric] == ["1", "1", "1", "0"]
    assert text("library.report", spoken, loops=1, accepted=1, seconds="")[:6] in written(app)
    result = next(table.value for table in app.dataframe if "reason" in table.value)
    (name, verdict, reason), accepted = result.values.tolist()
    cut = text("library.cut_one", spoken)
    assert accepted == [str(folder / "shuffle.mid"), text("result.accepted", spoken), cut]
    assert (name, verdict) == (str(folder / "broken.mid"), text("result.refused", spoken))
    assert ("MIDI ファイルではありません" if spoken == "ja" else "no MIDI file") in reason
    assert str(folder) not in reason
    history = next(table.value for table in app.dataframe if "paths" in table.value)
    assert history[["files", "refused", "loops"]].values.tolist() == [[1, 1, 1]]
    press(app, "library.browse_now")
    assert len(loops_shown(app)) == 1


def test_uploads_are_kept_by_content_and_named_as_the_person_knows_them(empty_workspace: Workspace) -> None:
    app = open_library()
    midi = loop_to_midi(small_library.bass())
    files = [("../../ベース.mid", midi, "audio/midi"), ("broken.mid", NOT_MIDI, "audio/midi")]
    app.file_uploader(key="library.uploads").set_value(files).run()
    press(app, "library.import_now")
    kept = sorted(path.relative_to(empty_workspace.sources).parts for path in empty_workspace.sources.glob("*/*"))
    assert sorted(name for _, name in kept) == ["broken.mid", "ベース.mid"]
    result = next(table.value for table in app.dataframe if "reason" in table.value)
    assert result["file"].tolist() == ["broken.mid", "ベース.mid"]
    press(app, "library.browse_now")
    assert loops_shown(app)["name"].tolist() == ["ベース"]


def test_table_shows_every_loop_in_words(library_workspace: Workspace, spoken: str) -> None:
    labelling.suggest_missing(library_workspace, limit=1)
    first = library.table(library_workspace)["loop_id"].iloc[0]
    seen = labelling.current(library_workspace, first).seen
    labelling.decide(library_workspace, first, rater="aki", action="approve", values={"emotion": "happy"}, seen=seen)
    shown = loops_shown(open_library())
    assert len(shown) == small_library.N_LOOPS
    assert set(shown["status"]) == {text("status.approved", spoken), text("status.unlabelled", spoken)}
    assert set(shown["instrument"]) == {text("instrument.drums", spoken), text("instrument.bass", spoken)}
    assert set(shown["origin"]) == {text("origin.imported", spoken)}
    assert set(shown["name"]) == {Path(name).stem for name in small_library.FILES}
    # Eight bars of rock in two loops of four, counted from 1.
    assert set(shown[shown["name"] == "rock=beat"]["bars"]) == {"1–4", "5–8"}
    assert text("library.count", spoken, shown="5", total="5") in written(open_library())


def test_filters_go_into_the_address_and_come_back_from_it(library_workspace: Workspace) -> None:
    app = open_library()
    app.multiselect(key="library.filter.instrument").set_value(["drums"]).run()
    app.slider(key="library.filter.tempo").set_range(92, 130).run()
    assert set(loops_shown(app)["name"]) == {"rock=beat", "=shuffle"}
    assert dict(app.query_params) == {"instrument": "drums", "tempo": "92-130"}
    again = open_library({"instrument": "drums", "tempo": "92-130"})
    assert set(loops_shown(again)["name"]) == {"rock=beat", "=shuffle"}
    press(again, "library.clear")
    assert len(loops_shown(again)) == small_library.N_LOOPS
    assert dict(again.query_params) == {}


def test_filters_survive_a_page_switch(library_workspace: Workspace) -> None:
    app = open_library()
    app.text_input(key="library.filter.q").set_value("七拍子").run()
    assert loops_shown(app)["meter"].tolist() == ["7/8"]
    app.switch_page("../pages/train.py").run()
    app.switch_page("../pages/library.py").run()
    assert loops_shown(app)["meter"].tolist() == ["7/8"]


@pytest.mark.parametrize(
    "params",
    [{"tempo": "x-9"}, {"tempo": "999-1000"}, {"instrument": "kazoo"}, {"status": "<b>"}, {"meter": ",,"}],
)
def test_senseless_addresses_do_no_harm(library_workspace: Workspace, params: dict[str, str]) -> None:
    assert not open_library(params).exception


def test_no_loop_answers(library_workspace: Workspace) -> None:
    app = open_library({"q": "no such name"})
    assert text("library.none_match") in written(app)
    press(app, "library.clear")
    assert len(loops_shown(app)) == small_library.N_LOOPS


def test_detail_names_every_measurement_in_the_language(library_workspace: Workspace, spoken: str) -> None:
    app = open_library()
    table = library.table(library_workspace)
    row = table[table["source"].str.endswith("=shuffle.mid")].iloc[0]
    app.session_state[session.CHOSEN_LOOP] = row["loop_id"]
    app.run()
    assert not app.exception
    assert text("library.scores", spoken) in written(app)
    assert r"\=shuffle" in written(app)
    titles = [text(f"library.{name}", spoken) for name in ("metric", "value", "unit", "meaning")]
    detail = next(table.value for table in app.dataframe if list(table.value.columns) == titles)
    values = dict(zip(detail[titles[0]], detail[titles[1]], strict=True))
    swing = METRICS["swing_ratio_8"]
    # 320 ticks to the off-beat, 160 from it: 2 to 1.
    assert values[swing.name_ja if spoken == "ja" else swing.name_en] == pytest.approx(2.0, abs=0.01)
    assert all(detail[titles[3]])


def test_every_metric_has_a_unit_and_a_name_in_both_languages() -> None:
    import re

    for metric in METRICS.values():
        if metric.unit:
            key = "unit." + re.sub(r"\W+", "_", metric.unit)
            assert key in dictionary(), metric.name


def test_charts_show_the_filtered_loops(library_workspace: Workspace) -> None:
    app = open_library({"instrument": "bass"})
    assert [box.value for box in app.selectbox] == ["tempo_bpm", "valence_estimate", "arousal_estimate"]
    app.selectbox(key="library.spread").set_value("metrics.onset_density").run()
    assert not app.exception
    assert METRICS["onset_density"].meaning_en in written(app)


def test_damaged_library_is_a_message(library_workspace: Workspace) -> None:
    part = next(library_workspace.loops.glob("part-*.parquet"))
    part.write_bytes(b"damaged")
    app = studio_app.open_studio("library")
    assert not app.exception
    assert part.name in "\n".join(error.value for error in app.error)
