"""Tables of labels as people's spreadsheets save them."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

import pytest

from composer_core.errors import InvalidValue
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.delimited import decoded
from composer_core.pipeline.labels.files import import_label_file
from composer_core.pipeline.labels.imports import LabelImport
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace
from small_library import ids


@pytest.fixture
def empty(made_library: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made_library.root, tmp_path / "w", ignore=shutil.ignore_patterns("labels.sqlite*"))
    return Workspace(tmp_path / "w")


def read(workspace: Workspace, data: bytes | str, form: str = "csv") -> LabelImport:
    path = workspace.root.parent / "table.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return import_label_file(workspace, path, form)


ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "cp932": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


def test_every_delimiter_encoding_and_decimal_mark_reads_the_same(empty: Workspace) -> None:
    first, second, *_ = ids(empty)
    for delimiter in (",", ";", "\t"):
        for mark in (".", ","):
            for encoding, start in ENCODINGS.items():
                for end in ("\n", "\r\n"):
                    number = f'"-0{mark}25"' if delimiter == mark else f"-0{mark}25"
                    rows = [
                        ["loop_id", "field", "value"],
                        [first, "emotion_valence", number],
                        [first, "emotion", "happy"],
                        [second, "caption_ja", "激しいドラムの拍"],
                        [second, "genre", "ジャズ"],
                    ]
                    text = end.join(delimiter.join(row) for row in rows) + end
                    report = read(empty, start + text.encode(encoding))
                    assert (report.written + report.unchanged, report.n_refused) == (4, 0), (delimiter, mark, encoding)
    # All said the same: only the first wrote anything.
    assert len(LabelStore(empty.labels).events()) == 4
    assert decisions.current(empty, first).values == {"emotion_valence": -0.25, "emotion": "happy"}
    assert decisions.current(empty, second).values == {"caption_ja": "激しいドラムの拍", "genre": {"jazz": 1.0}}


def test_loops_may_be_named_by_their_file_and_name(empty: Workspace) -> None:
    report = read(
        empty, "file;loop;emotion;valence\nfiles/=shuffle.mid;;Happy;0,5\nrock=beat.mid;rock=beat · bars 5–8;sad;\n"
    )
    assert (report.written, report.n_refused) == (3, 0)
    assert read(empty, "file;emotion\nnowhere.mid;sad\n").n_refused == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",emotion,sad", "loop_missing"),
        ("{id},emotion", "bad_format"),
        ("{id},emotion_valence,0,5", "bad_format"),
        ("{id},quality," + "9" * 6000, "bad_format"),
        ("{id},quality," + "[" * 5000, "bad_format"),
        ("{id},emotion,sa\0d", "bad_format"),
        ("{id},emotion,joyous", "unknown_choice"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(empty: Workspace, line: str, code: str) -> None:
    loop_id = ids(empty)[0]
    report = read(empty, f"loop_id,field,value\n{line.format(id=loop_id)}\n{loop_id},quality,4\n")
    assert (report.written, [refusal.code for refusal in report.refused]) == (1, [code])
    assert report.refused[0].origin == "table.csv:2"


@pytest.mark.parametrize(
    "data",
    [
        b"loop_id,field,value\n" + b"x" * 200_000 + b",emotion,sad\n",
        codecs.BOM_UTF8 + b"loop_id,field,value\nx,emotion,\xff\n",
        b"loop_id,field,value\nx,emotion,\x81\x8d\n",
    ],
)
def test_what_is_no_table_is_refused_with_its_line(empty: Workspace, data: bytes) -> None:
    with pytest.raises(InvalidValue, match=r"table\.csv.*line 2"):
        read(empty, data)


def test_json_lines_keep_line_separators_and_refuse_halves_of_pairs(empty: Workspace) -> None:
    loop_id = ids(empty)[0]
    lines = (
        f'{{"loop_id": "{loop_id}", "field": "quality", "value": 4, "note": "a\u2028b"}}\n'
        '{"loop_id": "\\ud800", "field": "quality", "value": 4}\n'
        f'{{"loop_id": "{loop_id}", "field": "quality", "value": 1e400}}\n'
    )
    report = read(empty, lines, "jsonl")
    assert (report.written, report.n_refused) == (1, 2)
    assert decisions.current(empty, loop_id).fields["quality"].note == "a\u2028b"


def test_utf_8_with_control_characters_is_no_other_encoding() -> None:
    text = "T\x1b,\U0004a3fa\xe9-\xcc\x80\xe0,\U000cdf4f,リ"
    assert decoded(text.encode()) == text
