"""Write one sentence about a loop in English and Japanese from its labels alone; nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from composer_core.pipeline.known_labels import LEAST_CONFIDENCE, counted_meter, is_known
from composer_core.pipeline.labels.fields import CAPTIONS
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.view import CurrentLabel
from composer_core.store.vocabularies import Vocabularies

TEMPLATE = "rule:template"
"""Who said so where a caption was made here."""
_STANDING = ("suggested", "approved")
_NOT_TOLD = (*CAPTIONS, "meter")
_MEASURED = ("tempo_bpm", "meter", "tempo_bucket", "swing_phase")
_INSTRUMENT = {
    "drums": ("drum", "ドラム"),
    "bass": ("bass", "ベース"),
    "guitar": ("guitar", "ギター"),
    "piano": ("piano", "ピアノ"),
    "strings": ("strings", "ストリングス"),
    "other": ("instrument", "楽器"),
}
_TAGS = ("tempo_bucket", "swing_phase", "feel", "section")


def caption_values(
    labels: Mapping[str, CurrentLabel], measured: Mapping[str, object], least_confidence: float = LEAST_CONFIDENCE
) -> dict[str, object]:
    """Labels to tell of a loop or to learn from, captions left out.

    What `known_labels.is_known` of the current labels, as in training, and the tempo, metre and swing as measured
    where no label says them. The metre is that of `known_labels.counted_meter`.
    """
    told = {
        name: label.value
        for name, label in labels.items()
        if name not in _NOT_TOLD and is_known(label, least_confidence)
    }
    plain = {name: measured[name] for name in _MEASURED if measured.get(name)}
    if "meter" in plain:
        plain["meter"], _ = counted_meter(labels, str(plain["meter"]))
    return plain | told


def caption_of(labels: Mapping[str, CurrentLabel], name: str) -> CurrentLabel | None:
    """The caption (`caption_en` or `caption_ja`) a loop has, unless it was rejected, is a draft or disputed."""
    label = labels.get(name)
    return label if label is not None and label.value is not None and label.status in _STANDING else None


def facts(labels: Mapping[str, object], instrument: str, words: Vocabularies) -> dict[str, object]:
    """What is known of a loop in words, for whoever is to word it otherwise: the template's sentences, and the rest."""
    made: dict[str, Any] = {"instrument": instrument, "sentences": captions(labels, instrument, words)}
    if labels.get("genre"):
        weights = cast(Mapping[str, float], labels["genre"])
        made["genre_weights"] = {words.genres[code].name_en: weight for code, weight in weights.items()}
    for name, key in (("emotion_valence", "valence (-1 to 1)"), ("emotion_arousal", "arousal (0 to 1)")):
        if labels.get(name) is not None:
            made[key] = labels[name]
    return made


def captions(labels: Mapping[str, object], instrument: str, words: Vocabularies | None = None) -> dict[str, str]:
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
    feeling = f"{_before_noun(mood.name_ja)}雰囲気の" if mood else ""
    style = f"{genre.name_ja}の" if genre else ""
    return f"{feeling}{style}{_INSTRUMENT[instrument][1]}ループ" + (f"（{'、'.join(facts)}）" if facts else "") + "。"


def _mood(labels: Mapping[str, Any], words: Vocabularies) -> Any:
    return words.moods.get(str(labels.get("emotion")))


def _genre(labels: Mapping[str, Any], words: Vocabularies) -> Any:
    weights = labels.get("genre") or {}
    return words.genres.get(max(sorted(weights), key=lambda code: weights[code])) if weights else None


def _before_noun(word: str) -> str:
    """A Japanese mood as it stands before a noun: 明るい, but 穏やかな."""
    return word if word.endswith("い") else f"{word}な"
