"""Filters, names, CSV and import words of the Library, without a page."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from string import Formatter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import MESSAGES, RefusedFile
from composer_core.ingest.warnings import WARNINGS, FileWarning
from composer_core.workspace import Workspace
from studio import session
from studio.import_words import refusal_text, shown_path, values_of, warning_text
from studio.library_filters import Filters
from studio.library_frame import csv_bytes, harmless_cell
from studio.loop_names import bars_text, file_stem, plain

LOOPS = pd.DataFrame(
    {
        "title": ["Fill", "ドラム", "walk"],
        "source": ["a/fill.mid", "b/ドラム.mid", "songs.zip"],
        "member": ["", "", "jazz/walk.mid"],
        "track_name": ["=cmd|' /C calc'!A0", "", "Upright Bass"],
        "instrument": ["drums", "drums", "bass"],
        "meter": ["4/4", "7/8", "4/4"],
        "swing_phase": ["straight", "", "swing_8"],
        "origin": ["imported", "generated", "imported"],
        "status": ["approved", "unlabelled", "suggested"],
        "tempo_bpm": [99.6, 120.0, 180.4],
    }
)
words = st.text(alphabet=st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    st.builds(
        Filters,
        search=st.text(max_size=12),
        instrument=st.lists(words, max_size=3).map(tuple),
        status=st.lists(words, max_size=3).map(tuple),
        tempo=st.none() | st.tuples(st.integers(5, 1000), st.integers(5, 1000)),
    )
)
def test_filters_read_back_what_they_wrote(filters: Filters) -> None:
    assert Filters.from_params(filters.to_params()) == filters


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (Filters(), ["Fill", "ドラム", "walk"]),
        (Filters(instrument=("bass",)), ["walk"]),
        (Filters(meter=("4/4",), origin=("imported",)), ["Fill", "walk"]),
        (Filters(swing=("straight", "swing_8")), ["Fill", "walk"]),
        (Filters(status=("unlabelled",)), ["ドラム"]),
        (Filters(tempo=(100, 120)), ["Fill", "ドラム"]),  # 99.6 counts as the 100 the table shows
        (Filters(search="JAZZ walk"), ["walk"]),
        (Filters(search="upright"), ["walk"]),
        (Filters(search="ドラム"), ["ドラム"]),
        (Filters(search="("), []),
    ],
)
def test_filters_keep_what_answers_all_of_them(filters: Filters, titles: list[str]) -> None:
    assert filters.apply(LOOPS)["title"].tolist() == titles


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_cells_that_would_run_get_an_apostrophe(cell: str) -> None:
    assert harmless_cell(cell) == f"'{cell}"


def test_other_cells_stay() -> None:
    assert [harmless_cell(cell) for cell in ("fill", "", -1.5, None, "a=b")] == ["fill", "", -1.5, None, "a=b"]


def test_csv_holds_japanese_and_no_formula() -> None:
    data = csv_bytes(LOOPS.assign(name="n", bars_text="1", **{"metrics.microtiming_mean_ms": [-1.5, 0.0, 2.0]}))
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0]["track_name"].startswith("'=cmd")
    assert rows[0]["metrics.microtiming_mean_ms"] == "-1.5"
    assert rows[1]["source"] == "b/ドラム.mid"
    assert "title" not in rows[0]


def test_names() -> None:
    assert file_stem("songs/Fill 1.MID") == "Fill 1"
    assert file_stem("C:\\songs\\fill.kar") == "fill"
    assert file_stem("a.b.c") == "a.b.c"
    assert (bars_text(0, 4), bars_text(4, 1)) == ("1–4", "5")
    assert plain("![x](y) <b>\n# *a*") == r"\!\[x\]\(y\) \<b\> \# \*a\*"
    assert plain(":red[b] $x$ `c`") == r"\:red\[b\] \$x\$ \`c\`"


def test_uploads_are_shown_by_their_own_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert shown_path(str(workspace.sources / "0123456789abcdef" / "a.zip!b/c.mid"), workspace) == "a.zip!b/c.mid"
    assert shown_path("elsewhere/a.mid", workspace) == "elsewhere/a.mid"


VALUES = {
    "path": "x/y: z.mid",
    "found": "'RIFF'",
    "what": "a track",
    "reason": "odd (3)",
    "value": "5/0",
    "minutes": 1440.0,
    "limit": 120,
    "count": 3,
    "size": 9,
    "promised": 2,
}


def test_every_refusal_and_warning_is_told_in_japanese_with_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "chosen_language", lambda: "ja")
    fields = {code: {name for _, name, _, _ in Formatter().parse(text) if name} for code, text in MESSAGES.items()}
    refusals = [code for code, names in fields.items() if MESSAGES[code].startswith("{path}:") and names <= set(VALUES)]
    assert {"not_midi", "truncated", "bad_resolution", "bad_meter", "too_long", "archive_bomb"} < set(refusals)
    for code in refusals:
        message = str(RefusedFile(code, **VALUES))
        told = refusal_text({"path": VALUES["path"], "code": code, "message": message})
        assert told != message and "{" not in told and str(VALUES["path"]) not in told, code
    for code in WARNINGS:
        warning = FileWarning(code, str(VALUES["path"]), {k: v for k, v in VALUES.items() if k != "path"})
        told = warning_text(warning.to_json())
        assert told != warning.message and "{" not in told, code


def test_values_are_read_back_out_of_a_message() -> None:
    message = str(RefusedFile("too_long", path="a.mid", minutes=1440.2, limit=120))
    assert values_of(MESSAGES["too_long"], message, "a.mid") == {"path": "a.mid", "minutes": 1440.0, "limit": "120"}
    assert values_of(MESSAGES["too_long"], "something else", "a.mid") is None


def test_message_of_an_unknown_code_is_shown_as_it_is() -> None:
    assert refusal_text({"path": "a", "code": "of_a_later_release", "message": "a: no"}) == "a: no"
