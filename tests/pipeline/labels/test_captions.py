"""Captions say what the labels say, in two languages, and no more."""

from __future__ import annotations

from composer_core.pipeline.labels.captions import captions
from composer_core.pipeline.labels.fields import check_values

LABELS = {
    "emotion": "happy",
    "genre": {"funk": 0.7, "rock": 0.3},
    "tempo_bpm": 92.0,
    "meter": "4/4",
    "technique": ["ghost", "ride"],
    "section": "chorus",
}


def test_a_sentence_of_all_that_is_known() -> None:
    assert captions(LABELS, "drums") == {
        "caption_en": "A happy Funk drum loop at 92 BPM in 4/4, chorus, with ghost notes and ride pattern.",
        "caption_ja": "楽しい雰囲気のファンクのドラムループ（92 BPM、4/4拍子、サビ、ゴーストノート、ライド刻み）。",
    }


def test_what_is_not_known_is_not_said() -> None:
    assert captions({}, "bass") == {"caption_en": "A bass loop.", "caption_ja": "ベースループ。"}
    found = captions({"emotion": "intense", "key_root": "F#", "key_mode": "minor"}, "guitar")
    assert found["caption_en"] == "An intense guitar loop in F# minor."
    assert found["caption_ja"] == "激しい雰囲気のギターループ（キーは F#（短調））。"
    assert captions({"emotion": "calm"}, "piano")["caption_ja"] == "穏やかな雰囲気のピアノループ。"


def test_captions_are_labels_a_loop_can_hold() -> None:
    assert check_values(captions(LABELS, "drums"), "drums") == captions(LABELS, "drums")
