"""Facts of the Groove MIDI Dataset."""

from __future__ import annotations

from pathlib import Path

from composer_core.ingest.datasets.groove import read_info

HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"


def test_reads_facts_by_midi_file(tmp_path: Path) -> None:
    row = "drummer1,drummer1/session1,drummer1/session1/1,funk,80,beat,4-4,d/1.mid,d/1.wav,86.7,train\n"
    odd = "drummer2,drummer2/session1,2,jazz/funk,fast,fill,4-4,d/2.mid,,1,validation\n"
    (tmp_path / "info.csv").write_text(HEADER + row + odd, encoding="utf-8")
    info = read_info(tmp_path)
    assert info["d/1.mid"] == {
        "drummer": "drummer1",
        "session": "drummer1/session1",
        "id": "drummer1/session1/1",
        "style": "funk",
        "bpm": 80.0,
        "beat_type": "beat",
        "time_signature": "4-4",
        "split": "train",
    }
    assert "bpm" not in info["d/2.mid"] and info["d/2.mid"]["style"] == "jazz/funk"


def test_other_folders_have_none(tmp_path: Path) -> None:
    assert read_info(tmp_path) == {}
    (tmp_path / "info.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert read_info(tmp_path) == {}
