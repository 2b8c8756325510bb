"""Names on screen of instruments, genres and moods."""

from __future__ import annotations

from studio.text import language, t


def instrument_name(code: str) -> str:
    """An instrument family in the current language."""
    return t(f"instrument.{code}")


def genre_name(code: str) -> str:
    """A genre or sub-style of the vocabulary in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    genre = vocabularies().genres[code]
    return genre.name_ja if language() == "ja" else genre.name_en


def mood_name(code: str) -> str:
    """A named emotion of the vocabulary in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    mood = vocabularies().moods[code]
    return mood.name_ja if language() == "ja" else mood.name_en
