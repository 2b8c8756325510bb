"""Japanese track names in every encoding they are found in: in the library, in CSV and after a MIDI round trip."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import smf
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.texts import decode_table, decode_text
from composer_core.pipeline.library import browse, imports, loops
from composer_core.pipeline.library.loops import loop_midi
from composer_core.workspace import Workspace

NAMES = (
    "ドラム", "ベース", "ピアノ右手", "アコースティックギター", "第1バイオリン", "弦楽四重奏", "メロディー", "サビ",
    "春の海", "君が代", "さくらさくら", "津軽三味線", "シンセ(パッド)", "トラック１",
    "オルガン／伴奏", "エレキギター・ソロ",
    "夜想曲 第2番", "①髙橋", "～前奏～", "♪歌♪",
)  # fmt: skip
KANJI_ONLY = (
    "三味線", "尺八", "和太鼓", "琴", "箏", "雅楽", "管楽器", "打楽器", "主旋律", "伴奏", "間奏", "低音", "合唱",
    "独奏", "右手",
    "荒城月", "越天楽", "花", "夢", "運命", "悲愴", "幻想即興曲", "交響曲第九番", "銅鑼", "木琴", "最終決戦", "迷宮",
)  # fmt: skip
HALF_WIDTH = ("ﾄﾞﾗﾑ", "ﾍﾞｰｽ", "ｷﾞﾀｰ", "ﾋﾟｱﾉ", "ｵﾙｶﾞﾝ", "ｽﾄﾘﾝｸﾞｽ", "ﾒﾛﾃﾞｨ", "ｼﾝｾ", "ｱﾙﾄ", "ﾘｽﾞﾑ")
ENCODINGS = ("utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16")
CASES = [
    (name, encoding)
    for names, encodings in ((NAMES + KANJI_ONLY, ENCODINGS), (HALF_WIDTH, ("utf-8", "cp932", "utf-16")))
    for name in names
    for encoding in encodings
    if name.encode(encoding, errors="ignore").decode(encoding) == name
]


@pytest.mark.parametrize(("name", "encoding"), CASES)
def test_decoded(name: str, encoding: str) -> None:
    assert decode_text(name.encode(encoding)) == name


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "euc_jp", "utf-16"])
def test_tables(encoding: str) -> None:
    text = "file,title\na.mid,春の海\nb.mid,ピアノ右手\n"
    assert decode_table(text.encode(encoding)) == text


def test_in_the_library_in_csv_and_after_a_round_trip(tmp_path: Path) -> None:
    chosen = CASES[::6]
    assert len(chosen) >= 40 and {encoding for _, encoding in chosen} == set(ENCODINGS)
    files = tmp_path / "files"
    files.mkdir()
    for index, (name, encoding) in enumerate(chosen):
        rows = [(step * 240, 120, 48 + (step + index) % 12) for step in range(16)]
        (files / f"{index:03d}.mid").write_bytes(smf.smf(smf.notes(rows, smf.name(name.encode(encoding)))))
    workspace = Workspace(tmp_path / "workspace")
    imports.ingest([str(files)], workspace, jobs=1)
    table = loops.table(workspace).sort_values("source").drop_duplicates("source")
    names = [name for name, _ in chosen]
    assert list(table["track_name"]) == names
    browse.export_file(workspace, tmp_path / "loops.csv", "csv", columns=["source", "track_name"])
    with (tmp_path / "loops.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert {row["source"]: row["track_name"] for row in csv.DictReader(stream)} == dict(
            zip(table["source"], names, strict=True)
        )
    again = [cut(read_song(loop_midi(workspace, loop_id), "x.mid"), 4)[0].track_name for loop_id in table["loop_id"]]
    assert again == names
