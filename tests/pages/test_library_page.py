"""The Library page through the router, on a small real library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import small_library
from composer_core.metrics import METRICS
from composer_core.pipeline.generation.audition import Audio
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.kept_suggestions import suggest_missing
from composer_core.pipeline.library import duplicates, loops
from composer_core.render.midi import loop_to_midi
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.workspace import Workspace
from studio import session
from studio.components import transport
from studio.components.facets import FacetChoice
from studio.library import filters as library_filters
from studio.library import view as library_view
from studio.rater import RATER
from studio.wording.text import dictionary
from studio_app import component_data, desk_data, open_library, open_studio, press, text, written

NOT_MIDI = b"RIFF, says this file, and holds no MIDI"


def table_data(app: AppTest) -> dict[str, Any]:
    """What the table of the page was given: the first one drawn."""
    found = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "composer_loop_table"]
    data: dict[str, Any] = json.loads(found[0].json)
    return data


def names_shown(app: AppTest) -> set[str]:
    return {row["title"] for row in table_data(app)["rows"]}


def facet(app: AppTest, name: str) -> dict[str, Any]:
    """One filter of the rail as it was given."""
    groups = component_data(app, "composer_facets")["groups"]
    found: dict[str, Any] = next(group for group in groups if group["id"] == name)
    return found


def callbacks(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, argument: str) -> dict[str, Any]:
    """The latest callback handed to a component: AppTest cannot click inside one."""
    kept: dict[str, Any] = {}
    draw = getattr(module, name)

    def drawn(**given: Any) -> None:
        kept[given["key"]] = given[argument]
        draw(**given)

    monkeypatch.setattr(module, name, drawn)
    return kept


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
    assert loops.table(empty_workspace).empty


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
    assert names_shown(app) == {"shuffle"}


def test_uploads_are_kept_by_content_and_named_as_the_person_knows_them(empty_workspace: Workspace) -> None:
    app = open_library()
    midi = loop_to_midi(small_library.bass())
    files = [("../../ベース.mid", midi, "audio/midi"), ("broken.mid", NOT_MIDI, "audio/midi")]
    app.file_uploader(key="library.uploads.0").set_value(files).run()
    press(app, "library.import_now")
    kept = sorted(path.relative_to(empty_workspace.sources).parts for path in empty_workspace.sources.glob("*/*"))
    assert sorted(name for _, name in kept) == ["broken.mid", "ベース.mid"]
    result = next(table.value for table in app.dataframe if "reason" in table.value)
    assert result["file"].tolist() == ["broken.mid", "ベース.mid"]
    # The box is empty again: what was uploaded is consumed once, and a second press finds nothing to import.
    assert app.file_uploader(key="library.uploads.1").value == []
    press(app, "library.import_now")
    assert [warning.value for warning in app.warning] == [text("library.nothing_chosen")]
    assert len(list(empty_workspace.imports.glob("*.json"))) == 1
    app.segmented_control(key="library.section").set_value("browse").run()
    assert names_shown(app) == {"ベース"}


def test_table_shows_every_loop_in_words(library_workspace: Workspace, spoken: str) -> None:
    suggest_missing(library_workspace, limit=1)
    first = loops.table(library_workspace)["loop_id"].iloc[0]
    seen = decisions.current(library_workspace, first).seen
    decisions.decide(library_workspace, first, rater="aki", action="approve", values={"emotion": "happy"}, seen=seen)
    app = open_library()
    rows = table_data(app)["rows"]
    assert len(rows) == small_library.N_LOOPS
    statuses = {row["cells"]["status"]["name"] for row in rows}
    assert statuses == {text("status.approved", spoken), text("status.unlabelled", spoken)}
    assert {row["title"] for row in rows} == {Path(name).stem for name in small_library.FILES}
    # Eight bars of rock in two loops of four, counted from 1.
    below = {row["sub"] for row in rows if row["title"] == "rock=beat"}
    parts = [text("instrument.drums", spoken), "4/4"]
    dot = text("library.dot", spoken)
    assert below == {dot.join([*parts, text("library.bars_of", spoken, bars=bars)]) for bars in ("1–4", "5–8")}
    assert text("library.count", spoken, shown="5", total="5") in written(app)


def test_filters_of_an_address_reproduce_the_view(library_workspace: Workspace) -> None:
    app = open_library({"instrument": "drums", "tempo_bpm": "91.51..130.49", "sort": "-tempo_bpm"})
    assert [row["title"] for row in table_data(app)["rows"]] == ["rock=beat", "rock=beat", "=shuffle"]
    assert table_data(app)["sort"] == {"by": "tempo_bpm", "descending": True}
    # What the filter asks of a field is left aside for that field's counts: of the loops
    # between 92 and 130 BPM three are drums and one is bass.
    assert [(o["code"], o["count"]) for o in facet(app, "instrument")["options"]] == [("drums", 3), ("bass", 1)]
    assert sum(facet(app, "tempo_bpm")["counts"]) == 4  # all drums, whatever their tempo
    asked = component_data(app, "composer_facets")["asked"]
    assert asked == {"instrument": ["drums"], "tempo_bpm": [92, 130]}
    assert dict(app.query_params) == {"instrument": "drums", "tempo_bpm": "91.51..130.49", "sort": "-tempo_bpm"}


def test_what_is_asked_in_the_rail_goes_into_the_address(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = callbacks(monkeypatch, library_filters, "facet_rail", "on_change")
    app = open_library()
    ask_in_rail(app, asked, {"text": "", "asked": {"instrument": ["bass"], "tempo_bpm": [90, 110]}, "seq": 5})
    assert dict(app.query_params) == {"instrument": "bass", "tempo_bpm": "89.51..110.49"}
    assert names_shown(app) == {"bass *line*"}
    assert component_data(app, "composer_facets")["seq"] == 5
    ask_in_rail(app, asked, {"text": "七拍子", "asked": {}, "seq": 6})
    assert dict(app.query_params) == {"q": "七拍子"}
    assert names_shown(app) == {"七拍子<b>"}


def ask_in_rail(app: AppTest, asked: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Ask as the rail's callback does, inside a run of the page."""
    with pytest.MonkeyPatch.context() as patch:
        view = library_view.read_address

        def read_address(columns: Any) -> Any:
            asked["library.filters"](FacetChoice(**wanted))  # a callback comes before the page is drawn
            return view(columns)

        patch.setattr(library_view, "read_address", read_address)
        app.run()
    assert not app.exception


def test_a_click_wins_over_an_address_the_browser_had_not_replaced_yet(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SEC", 600.0)
    asked = callbacks(monkeypatch, library_filters, "facet_rail", "on_change")
    app = open_library({"q": "rock"})
    ask_in_rail(app, asked, {"text": "shuffle", "asked": {}, "seq": 5})
    assert names_shown(app) == {"=shuffle"}
    set_address(app, {"q": "rock"})
    app.run()  # a click that asks for nothing else, made before the browser took the new address over
    assert names_shown(app) == {"=shuffle"}
    set_address(app, {"q": "rock"})  # and one that does
    ask_in_rail(app, asked, {"text": "", "asked": {}, "seq": 6})
    assert len(table_data(app)["rows"]) == small_library.N_LOOPS
    assert dict(app.query_params) == {}


def test_going_back_shows_the_view_before(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SEC", 0.0)
    asked = callbacks(monkeypatch, library_filters, "facet_rail", "on_change")
    app = open_library({"q": "rock"})
    ask_in_rail(app, asked, {"text": "shuffle", "asked": {}, "seq": 5})
    assert names_shown(app) == {"=shuffle"}
    set_address(app, {"q": "rock"})
    app.run()
    assert names_shown(app) == {"rock=beat"}


def set_address(app: AppTest, params: dict[str, str]) -> None:
    app.query_params.clear()
    app.query_params.update(params)


def test_filters_survive_a_page_switch(library_workspace: Workspace) -> None:
    app = open_library({"q": "七拍子"})
    assert names_shown(app) == {"七拍子<b>"}
    app.switch_page("../pages/train.py").run()
    app.query_params.clear()
    app.switch_page("../pages/library.py").run()
    assert names_shown(app) == {"七拍子<b>"}
    assert dict(app.query_params) == {"q": "七拍子"}


@pytest.mark.parametrize(
    "params",
    [
        {"tempo_bpm": "x..9"},
        {"tempo_bpm": "999..1000"},
        {"instrument": "kazoo"},
        {"status": "<b>"},
        {"meter": ",,"},
        {"sort": "nothing"},
        {"page": "99"},
        {"spread": "no.such", "split": "no", "across": "'", "map": "?"},
        {"nonsense": "1..2"},
    ],
)
def test_senseless_addresses_do_no_harm(library_workspace: Workspace, params: dict[str, str]) -> None:
    app = open_library(params)
    assert not app.exception and not app.error


def test_no_loop_answers(library_workspace: Workspace) -> None:
    app = open_library({"q": "no such name"})
    assert text("library.none_match") in written(app)
    press(app, "library.clear")
    assert len(table_data(app)["rows"]) == small_library.N_LOOPS
    assert dict(app.query_params) == {}


def loop_named(workspace: Workspace, name: str) -> str:
    table = loops.table(workspace)
    return str(table["loop_id"][table["source"].str.endswith(name)].iloc[0])


def test_detail_names_every_measurement_with_its_place(library_workspace: Workspace, spoken: str) -> None:
    loop_id = loop_named(library_workspace, "=shuffle.mid")
    app = open_library({"loop": loop_id})
    assert r"\=shuffle" in written(app)
    app.segmented_control(key="library.detail_tab").set_value("measured").run()
    assert not app.exception
    shown = "".join(str(element.proto.body) for element in app.get("html"))
    swing = METRICS["swing_ratio_8"]
    name = swing.name_ja if spoken == "ja" else swing.name_en
    # 320 ticks to the off-beat, 160 from it: 2 to 1, the only one that swings of four drum loops.
    row = shown[shown.index(f">{name}<") :]
    assert row[: row.index("</div>")].split("value")[1].startswith('">2.00 ')
    assert text("family.rhythm", spoken) in shown
    # Among the reference the swing has a place, and among the library one of its own.
    row = row[: row.index("</div>")]
    assert 'class="place">' in row
    app.segmented_control(key="library.among").set_value("library").run()
    assert not app.exception
    shown = "".join(str(element.proto.body) for element in app.get("html"))
    library_row = shown[shown.index(f">{name}<") :]
    assert 'class="place">' in library_row[: library_row.index("</div>")]
    assert text("library.place_library", spoken, instrument=text("instrument.drums", spoken)) in written(app)


def test_a_loop_that_is_gone_is_said_beside_the_table(library_workspace: Workspace) -> None:
    app = open_library({"loop": "0123456789abcdef"})
    assert "0123456789abcdef" in app.error[0].value
    assert len(table_data(app)["rows"]) == small_library.N_LOOPS


def test_loops_of_the_same_file(library_workspace: Workspace) -> None:
    app = open_library({"loop": loop_named(library_workspace, "rock=beat.mid")})
    app.segmented_control(key="library.detail_tab").set_value("same_file").run()
    assert not app.exception
    press(app, "library.filter_source")
    assert names_shown(app) == {"rock=beat"}
    assert facet(app, "source")["options"][0]["count"] == 2


@pytest.mark.parametrize("reason", [duplicates.BY_HAND, duplicates.NEAR_DUPLICATE])
def test_detail_says_why_a_loop_is_left_out(library_workspace: Workspace, spoken: str, reason: str) -> None:
    loop_id = loop_named(library_workspace, "=shuffle.mid")
    said = text("library.left_out", spoken, reason=text(f"exclusion.{reason}", spoken))
    assert said not in written(open_library({"loop": loop_id}))
    ExclusionStore(library_workspace).append([Exclusion(loop_id, reason)])
    assert said in written(open_library({"loop": loop_id}))
    duplicates.restore(library_workspace, [loop_id])


def test_selection_is_shown_alone_excluded_and_taken_back(library_workspace: Workspace) -> None:
    chosen = [loop_named(library_workspace, "=shuffle.mid"), loop_named(library_workspace, "line*.mid")]
    app = open_library()
    app.session_state[session.SELECTION] = chosen
    app.run()
    assert set(table_data(app)["marked"]) == set(chosen)
    press(app, "library.only")
    assert names_shown(app) == {"=shuffle", "bass *line*"}
    app.text_input(key="library.exclude_note").set_value("too short").run()
    press(app, "library.exclude_now")
    kept = ExclusionStore(library_workspace).current()
    assert {loop_id: event.note for loop_id, event in kept.items()} == dict.fromkeys(chosen, "too short")
    press(app, "library.restore_now")
    assert not ExclusionStore(library_workspace).current()
    press(app, "library.unselect_all")
    assert not table_data(app)["marked"]


def test_selection_goes_to_the_label_queue(library_workspace: Workspace) -> None:
    chosen = [loop_named(library_workspace, "line*.mid"), loop_named(library_workspace, "=shuffle.mid")]
    app = open_library()
    app.session_state[session.SELECTION] = chosen
    app.session_state[RATER] = "aki"  # what the browser would tell
    app.run()
    press(app, "library.to_queue")
    assert app.title[0].value == text("page.label")
    hands = desk_data(app)["hands"]
    assert [hand["id"] for hand in hands[:2]] == chosen
    assert [hand["why"] for hand in hands[:2]] == [text("label.why_chosen")] * 2


def test_two_loops_are_compared(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, spoken: str) -> None:
    monkeypatch.setattr(transport, "audition", lambda loop, _: Audio("a.flac", loop.length_sec, 44100, "f", "s", False))
    first, second = loop_named(library_workspace, "=shuffle.mid"), loop_named(library_workspace, "rock=beat.mid")
    app = open_library()
    app.session_state[session.SELECTION] = [first, second]
    app.run()
    press(app, "library.compare_two")
    loop = component_data(app, "composer_transport")["loop"]
    assert (loop["loopId"], loop["other"]["loopId"]) == (first, second)
    assert loop["other"]["barSec"] == pytest.approx(loop["barSec"])
    assert text("library.heard_at", spoken, tempo="92") in written(app)
    table = next(frame.value for frame in app.dataframe if "apart" in frame.value)
    assert {"a", "b", "unit"} <= set(table.columns) and len(table) > 10
    press(app, "library.compare_close")
    assert text("library.compare_title", spoken) not in written(app)


def test_every_metric_has_a_unit_and_a_name_in_both_languages() -> None:
    import re

    for metric in METRICS.values():
        if metric.unit:
            key = "unit." + re.sub(r"\W+", "_", metric.unit)
            assert key in dictionary(), metric.name


def test_charts_follow_the_address(library_workspace: Workspace) -> None:
    app = open_library({"instrument": "bass", "spread": "metrics.onset_density", "split": "swing"})
    assert app.selectbox(key="library.chart.spread").value == "metrics.onset_density"
    assert app.selectbox(key="library.chart.split").value == "swing"
    assert METRICS["onset_density"].meaning_en in written(app)
    app.selectbox(key="library.chart.split").set_value("genre").run()
    assert app.query_params["split"] == "genre"
    app.selectbox(key="library.chart.map").set_value("all").run()
    assert not app.exception
    assert app.query_params["map"] == "all"


def test_damaged_library_is_a_message(library_workspace: Workspace) -> None:
    part = next(library_workspace.loops.glob("part-*.parquet"))
    part.write_bytes(b"damaged")
    app = open_studio("library")
    assert not app.exception and not app.error  # the rest of the library is shown
    assert part.name in written(app)
    assert [block.value for block in app.code if "composer repair" in block.value]
