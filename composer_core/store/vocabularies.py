"""The label vocabularies (moods, genres, techniques and tags), read strictly from YAML.

These are errors that name file and line: unknown or missing keys, repeated keys, a synonym
shared by two entries, genre weights that do not add up to 1, and a source word without an entry.
The user may have a folder with files of the same names and form; they add entries and source
words, and an entry that clashes with another is an error that names both places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml

from composer_core.errors import InvalidValue
from composer_core.music.affect import Mood
from composer_core.music.genre import FAMILIES, family_of
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.label_codes import OPEN_TAGS, TAG_CODES
from composer_core.store.yaml_nodes import YamlFile
from composer_core.workspace import ASSETS

MOOD_FILE, GENRE_FILE, TECHNIQUE_FILE, TAG_FILE = "mood.yaml", "genres.yaml", "techniques.yaml", "tags.yaml"
MAX_MOODS = 8
_WEIGHT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Name:
    """A code with its names on screen and the other words for it."""

    code: str
    name_en: str
    name_ja: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenreName(Name):
    """A genre family or sub-style."""

    @property
    def family(self) -> str:
        """The family it belongs to (itself for a family)."""
        return family_of(self.code)


@dataclass(frozen=True, slots=True)
class TechniqueName(Name):
    """A playing technique of one instrument."""


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Moods and genres by code, techniques by instrument and code, tags by field and code, and other data
    sets' words: `genre_sources` and `mood_sources` by source and word, `tag_sources` by source, field and word."""

    moods: dict[str, Mood] = field(default_factory=dict)
    genres: dict[str, GenreName] = field(default_factory=dict)
    techniques: dict[str, dict[str, TechniqueName]] = field(default_factory=dict)
    tags: dict[str, dict[str, Name]] = field(default_factory=dict)
    genre_sources: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    mood_sources: dict[str, dict[str, str]] = field(default_factory=dict)
    affect_sources: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    tag_sources: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def genre_of_source(self, source: str, style: str) -> str:
        """Genre code of a data set's own word, `("gmd", "funk/purdieshuffle")`: the heaviest where it leads to
        several; InvalidValue when unknown."""
        weights = self.genres_of_source(source, style)
        return max(weights, key=lambda code: weights[code])

    def genres_of_source(self, source: str, style: str) -> dict[str, float]:
        """Genre weights (sum 1) of a data set's own word; InvalidValue when unknown."""
        return dict(_look_up(self.genre_sources, source, style))

    def mood_of_source(self, source: str, word: str) -> str:
        """Mood code of a data set's own word, `("xmidi", "angry")`; InvalidValue when unknown."""
        return _look_up(self.mood_sources, source, word)

    def affect_of_source(self, source: str, word: str) -> tuple[float, float]:
        """(valence, arousal) a data set means by its word: its own anchor where it names one, else its mood's."""
        mood = self.moods[self.mood_of_source(source, word)]
        anchors = {_fold(name): anchor for name, anchor in self.affect_sources.get(source, {}).items()}
        return anchors.get(_fold(word), (mood.valence, mood.arousal))

    def tag_of_source(self, source: str, name: str, word: str) -> str:
        """Code of a tag field in a data set's own word, `("composer4", "swing_phase", "even_8")`; InvalidValue."""
        if source not in self.tag_sources:
            raise InvalidValue("unknown_choice", name="data set", value=source, choices=", ".join(self.tag_sources))
        return _look_up(self.tag_sources[source], name, word)

    def genre_of_word(self, word: str) -> str | None:
        """Genre code whose code, name or synonym is `word` in any case; None when there is none."""
        return _index(self.genres.values()).get(_fold(word))

    def mood_of_word(self, word: str) -> str | None:
        """Mood code whose code, name or synonym is `word` in any case; None when there is none."""
        return _index(self.moods.values()).get(_fold(word))

    def tag_of_word(self, name: str, word: str) -> str | None:
        """Code of a tag field whose code, name or synonym is `word` in any case; None when there is none."""
        return _index(self.tags[name].values()).get(_fold(word))


def load_vocabularies(folder: Path = ASSETS, own: Path | None = None) -> Vocabularies:
    """Read and check the four files of `folder` and those that `own` holds; StoreError `bad_vocabulary`."""
    loading = _Loading(Vocabularies())
    files = [folder / name for name in _READERS]
    if own is not None and own.is_dir():
        files += sorted(path for path in own.iterdir() if path.suffix in (".yaml", ".yml"))
    opened = [(YamlFile(path), path.parent == folder) for path in files]
    for file, shipped in opened:
        if file.path.name not in _READERS:
            raise file.error(1, f"unknown vocabulary; known are {', '.join(_READERS)}")
        getattr(loading, _READERS[file.path.name])(file, shipped)
    for file, sources in loading.sources:
        _SOURCE_READERS[file.path.name](loading.words, file, sources)
    return loading.words


_READERS = {MOOD_FILE: "moods", GENRE_FILE: "genres", TECHNIQUE_FILE: "techniques", TAG_FILE: "tags"}


class _Loading:
    """Vocabularies being read, with the place of every word so far."""

    def __init__(self, words: Vocabularies) -> None:
        self.words = words
        self.sources: list[tuple[YamlFile, yaml.Node]] = []
        self._taken: dict[tuple[str, str], tuple[str, str]] = {}

    def moods(self, file: YamlFile, shipped: bool) -> None:
        """mood.yaml: moods, and what other data sets' words mean."""
        top = self._top(file, "moods", shipped)
        for code, key_node, value in file.entries(top["moods"]) if "moods" in top else ():
            entry = file.mapping(value, ("valence", "arousal", "en", "ja", "synonyms"))
            anchor = file.number(entry["valence"], -1.0, 1.0), file.number(entry["arousal"], 0.0, 1.0)
            names = file.text(entry["en"]), file.text(entry["ja"])
            mood = Mood(code, *anchor, *names, file.strings(entry["synonyms"]))
            self._add(file, key_node, "mood", self.words.moods, mood)
            if len(self.words.moods) > MAX_MOODS:
                raise file.error(
                    top["moods"], f"{len(self.words.moods)} moods or more; at most {MAX_MOODS} can be told apart"
                )

    def genres(self, file: YamlFile, shipped: bool) -> None:
        """genres.yaml: families and sub-styles, and what other data sets' words mean."""
        top = self._top(file, "genres", shipped)
        for code, key_node, value in file.entries(top["genres"]) if "genres" in top else ():
            if family_of(code) not in FAMILIES:
                raise file.error(key_node, f"{code!r} belongs to no family; families are {', '.join(FAMILIES)}")
            self._add(file, key_node, "genre", self.words.genres, GenreName(code, *_names(file, value)))
        missing = [family for family in FAMILIES if family not in self.words.genres]
        if missing:
            raise file.error(top["genres"], f"the families {', '.join(missing)} have no names")

    def techniques(self, file: YamlFile, _shipped: bool) -> None:
        """techniques.yaml: the techniques of each instrument."""
        for instrument, key_node, value in file.entries(file.root):
            if instrument not in INSTRUMENTS:
                raise file.error(key_node, f"unknown instrument {instrument!r}; known are {', '.join(INSTRUMENTS)}")
            names = self.words.techniques.setdefault(instrument, {})
            for code, code_node, entry in file.entries(value):
                technique = TechniqueName(code, *_names(file, entry))
                self._add(file, code_node, f"technique of {instrument}", names, technique)

    def tags(self, file: YamlFile, shipped: bool) -> None:
        """tags.yaml: the codes of the closed fields, and what other data sets' words mean."""
        top = self._top(file, "tags", shipped)
        groups = (
            file.mapping(top["tags"], tuple(TAG_CODES) if shipped else (), tuple(TAG_CODES)) if "tags" in top else {}
        )
        for name, node in groups.items():
            known = self.words.tags.setdefault(name, {})
            for code, key_node, value in file.entries(node):
                if code not in TAG_CODES[name] and (shipped or name not in OPEN_TAGS):
                    raise file.error(key_node, f"{name} has no {code!r}; it has {', '.join(TAG_CODES[name])}")
                self._add(file, key_node, name, known, Name(code, *_names(file, value)))
            missing = [code for code in TAG_CODES[name] if code not in known]
            if missing:
                raise file.error(node, f"{name}: {', '.join(missing)} is missing")

    def _top(self, file: YamlFile, name: str, shipped: bool) -> dict[str, yaml.Node]:
        top = file.mapping(file.root, (name, "sources") if shipped else (), (name, "sources"))
        if "sources" in top:
            self.sources.append((file, top["sources"]))
        return top

    def _add(self, file: YamlFile, node: yaml.Node, kind: str, known: dict[str, _Entry], entry: _Entry) -> None:
        """Note an entry and its words; a code or word that another entry has is an error naming both places."""
        place = file.location(node)
        if entry.code in known:
            other_place = self._taken[kind, _fold(entry.code)][1]
            raise file.error(node, f"{entry.code!r} is defined already ({other_place})")
        for word in sorted(_strings_of(entry)):
            other, other_place = self._taken.setdefault((kind, word), (entry.code, place))
            if other != entry.code:
                raise file.error(node, f"{word!r} belongs to {other!r} already ({other_place})")
        known[entry.code] = entry


_Entry = TypeVar("_Entry", Mood, GenreName, TechniqueName, Name)


def _names(file: YamlFile, node: yaml.Node) -> tuple[str, str, tuple[str, ...]]:
    entry = file.mapping(node, ("en", "ja"), ("synonyms",))
    synonyms = file.strings(entry["synonyms"]) if "synonyms" in entry else ()
    return file.text(entry["en"]), file.text(entry["ja"]), synonyms


def _genre_sources(words: Vocabularies, file: YamlFile, node: yaml.Node) -> None:
    for source, _, value in file.entries(node):
        known = words.genre_sources.setdefault(source, {})
        for word, key_node, target in file.entries(value):
            _refuse_duplicate(file, key_node, source, word, known)
            known[word] = _weights(file, target, words.genres)


def _weights(file: YamlFile, node: yaml.Node, genres: Mapping[str, object]) -> dict[str, float]:
    """One genre code, or weights over several that add up to 1."""
    if not isinstance(node, yaml.MappingNode):
        return {_target(file, node, genres): 1.0}
    weights = {
        _target(file, key_node, genres): file.number(value, 0.0, 1.0) for _, key_node, value in file.entries(node)
    }
    if abs(sum(weights.values()) - 1.0) > _WEIGHT_TOLERANCE:
        raise file.error(node, f"the weights add up to {sum(weights.values()):g} instead of 1")
    return weights


def _mood_sources(words: Vocabularies, file: YamlFile, node: yaml.Node) -> None:
    """A word leads to a mood, or to [mood, valence, arousal] where the data set has an anchor of its own."""
    for source, _, value in file.entries(node):
        known = words.mood_sources.setdefault(source, {})
        for word, key_node, target in file.entries(value):
            _refuse_duplicate(file, key_node, source, word, known)
            if not isinstance(target, yaml.SequenceNode):
                known[word] = _target(file, target, words.moods)
                continue
            parts = file.items(target)
            if len(parts) != 3:
                raise file.error(target, "expected [mood, valence, arousal]")
            known[word] = _target(file, parts[0], words.moods)
            anchor = file.number(parts[1], -1.0, 1.0), file.number(parts[2], 0.0, 1.0)
            words.affect_sources.setdefault(source, {})[word] = anchor


def _tag_sources(words: Vocabularies, file: YamlFile, node: yaml.Node) -> None:
    for source, _, fields in file.entries(node):
        for name, value in file.mapping(fields, (), tuple(TAG_CODES)).items():
            known = words.tag_sources.setdefault(source, {}).setdefault(name, {})
            for word, key_node, target in file.entries(value):
                _refuse_duplicate(file, key_node, source, word, known)
                known[word] = _target(file, target, words.tags[name])


_SOURCE_READERS = {MOOD_FILE: _mood_sources, GENRE_FILE: _genre_sources, TAG_FILE: _tag_sources}


def _target(file: YamlFile, node: yaml.Node, known: Mapping[str, object]) -> str:
    code = file.text(node)
    if code not in known:
        raise file.error(node, f"leads to {code!r}, which no vocabulary holds")
    return code


def _refuse_duplicate(file: YamlFile, node: yaml.Node, source: str, word: str, known: Mapping[str, object]) -> None:
    if _fold(word) in {_fold(other) for other in known}:
        raise file.error(node, f"{source} {word!r} is mapped already")


def _strings_of(entry: Mood | Name) -> set[str]:
    return {_fold(word) for word in (entry.code, entry.name_en, entry.name_ja, *entry.synonyms)}


def _index(entries: Iterable[Mood | Name]) -> dict[str, str]:
    return {word: entry.code for entry in entries for word in _strings_of(entry)}


def _fold(word: str) -> str:
    return word.strip().casefold()


_Target = TypeVar("_Target")


def _look_up(sources: Mapping[str, Mapping[str, _Target]], source: str, word: str) -> _Target:
    if source not in sources:
        raise InvalidValue("unknown_choice", name="data set", value=source, choices=", ".join(sources))
    words = sources[source]
    found = words.get(word)
    if found is None:
        found = next((target for known, target in words.items() if _fold(known) == _fold(word)), None)
    if found is None:
        raise InvalidValue("unknown_choice", name=f"{source} label", value=word, choices=", ".join(words))
    return found
