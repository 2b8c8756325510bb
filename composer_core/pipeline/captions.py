"""One sentence about a loop in English and Japanese, made of its labels alone: nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.pipeline.vocabularies import Vocabularies, vocabularies

_INSTRUMENT = {
    "drums": ("drum", "ドラム"),
    "bass": ("bass", "ベース"),
    "guitar": ("guitar", "ギター"),
    "piano": ("piano", "ピアノ"),
    "strings": ("strings", "ストリングス"),
    "other": ("instrument", "楽器"),
}
_TAGS = ("tempo_bucket", "swing_phase", "feel", "section")


def captions(labels: Mapping[str, Any], instrument: str, words: Vocabularies | None = None) -> dict[str, str]:
    """`caption_en` and `caption_ja` of what is known; what is not is left out.

    "A happy funk drum loop at 92 BPM in 4/4, slow, with ghost notes."
    """
    known = words or vocabularies()
    return {"caption_en": _english(labels, instrument, known), "caption_ja": _japanese(labels, instrument, known)}


def _english(labels: Mapping[str, Any], instrument: str, words: Vocabularies) -> str:
    mood, genre = _mood(labels, words), _genre(labels, words)
    kind = [mood.name_en.lower()] if mood else []
    kind += [genre.name_en] if genre else []
    phrase = " ".join([*kind, _INSTRUMENT[instrument][0], "loop"])
    text = f"{'An' if phrase[0].lower() in 'aeiou' else 'A'} {phrase}"
    if labels.get("tempo_bpm"):
        text += f" at {labels['tempo_bpm']:.4g} BPM"
    if labels.get("meter"):
        text += f" in {labels['meter']}"
    if labels.get("key_root"):
        mode = words.tags["key_mode"].get(str(labels.get("key_mode")))
        text += f" in {labels['key_root']}" + (f" {mode.name_en.lower()}" if mode else "")
    text += "".join(f", {words.tags[name][labels[name]].name_en.lower()}" for name in _TAGS if labels.get(name))
    played = [words.techniques[instrument][code].name_en.lower() for code in labels.get("technique") or ()]
    return text + (f", with {' and '.join(filter(None, (', '.join(played[:-1]), played[-1])))}" if played else "") + "."


def _japanese(labels: Mapping[str, Any], instrument: str, words: Vocabularies) -> str:
    mood, genre = _mood(labels, words), _genre(labels, words)
    facts = [f"{labels['tempo_bpm']:.4g} BPM"] if labels.get("tempo_bpm") else []
    facts += [f"{labels['meter']}拍子"] if labels.get("meter") else []
    if labels.get("key_root"):
        mode = words.tags["key_mode"].get(str(labels.get("key_mode")))
        facts.append(f"キーは {labels['key_root']}" + (f"（{mode.name_ja}）" if mode else ""))
    facts += [words.tags[name][labels[name]].name_ja for name in _TAGS if labels.get(name)]
    facts += [words.techniques[instrument][code].name_ja for code in labels.get("technique") or ()]
    feeling = f"「{mood.name_ja}」雰囲気の" if mood else ""
    style = f"{genre.name_ja}の" if genre else ""
    return f"{feeling}{style}{_INSTRUMENT[instrument][1]}ループ" + (f"（{'、'.join(facts)}）" if facts else "") + "。"


def _mood(labels: Mapping[str, Any], words: Vocabularies) -> Any:
    return words.moods.get(str(labels.get("emotion")))


def _genre(labels: Mapping[str, Any], words: Vocabularies) -> Any:
    weights = labels.get("genre") or {}
    return words.genres.get(max(sorted(weights), key=lambda code: weights[code])) if weights else None
