"""The words people label with: moods, genres, techniques, read strictly from YAML.

Only plain mappings, lists and scalars are accepted (`yaml.SafeLoader`, whose nodes know their
lines, so that an error names one). Unknown or missing keys, keys given twice, a synonym of
two entries and a source word that leads nowhere are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from composer_core.errors import InvalidValue, StoreError
from composer_core.music.affect import Mood
from composer_core.music.genre import FAMILIES, family_of
from composer_core.music.instruments import INSTRUMENTS
from composer_core.workspace import ASSETS

MOOD_FILE, GENRE_FILE, TECHNIQUE_FILE = "mood.yaml", "genres.yaml", "techniques.yaml"
MAX_MOODS = 8
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class GenreName:
    """A genre family or sub-style with its names on screen."""

    code: str
    name_en: str
    name_ja: str
    synonyms: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The family it belongs to (itself for a family)."""
        return family_of(self.code)


@dataclass(frozen=True, slots=True)
class TechniqueName:
    """A playing technique of one instrument with its names on screen."""

    code: str
    name_en: str
    name_ja: str


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Moods and genres by code, techniques by instrument and code, and other data sets' words."""

    moods: dict[str, Mood]
    genres: dict[str, GenreName]
    techniques: dict[str, dict[str, TechniqueName]]
    genre_sources: dict[str, dict[str, str]]
    mood_sources: dict[str, dict[str, str]]

    def genre_of_source(self, source: str, style: str) -> str:
        """Genre code of a data set's own word, `("gmd", "funk/purdieshuffle")`; InvalidValue when unknown."""
        return _look_up(self.genre_sources, source, style)

    def mood_of_source(self, source: str, word: str) -> str:
        """Mood code of a data set's own word, `("xmidi", "angry")`; InvalidValue when unknown."""
        return _look_up(self.mood_sources, source, word)

    def genre_of_word(self, word: str) -> str | None:
        """Genre code whose code, name or synonym is `word` in any case; None when there is none."""
        return _index(self.genres.values()).get(_fold(word))

    def mood_of_word(self, word: str) -> str | None:
        """Mood code whose code, name or synonym is `word` in any case; None when there is none."""
        return _index(self.moods.values()).get(_fold(word))


def load_vocabularies(folder: Path = ASSETS) -> Vocabularies:
    """Read and check the three files; StoreError `bad_vocabulary` names file and line."""
    mood, genre = _File(folder / MOOD_FILE), _File(folder / GENRE_FILE)
    mood_top = mood.mapping(mood.root, ("moods", "sources"))
    genre_top = genre.mapping(genre.root, ("genres", "sources"))
    moods = _moods(mood, mood_top["moods"])
    genres = _genres(genre, genre_top["genres"])
    return Vocabularies(
        moods,
        genres,
        _techniques(_File(folder / TECHNIQUE_FILE)),
        _sources(genre, genre_top["sources"], genres),
        _sources(mood, mood_top["sources"], moods),
    )


class _File:
    """A YAML file as nodes with line numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = path.read_bytes()
            if len(data) > _MAX_BYTES:
                raise self.error(1, f"{len(data)} bytes are too many for a vocabulary")
            root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise StoreError("bad_vocabulary", path=str(path), line=0, reason=error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise self.error(1, "not UTF-8 text") from error
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            raise self.error(mark.line + 1 if mark else 1, f"no YAML ({getattr(error, 'problem', error)})") from error
        if root is None:
            raise self.error(1, "the file is empty")
        self.root: yaml.Node = root

    def error(self, where: yaml.Node | int, reason: str) -> StoreError:
        """The error to raise for a node (or line) of this file."""
        line = where if isinstance(where, int) else where.start_mark.line + 1
        return StoreError("bad_vocabulary", path=str(self.path), line=line, reason=reason)

    def entries(self, node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Key, key node and value node of a mapping; a key given twice is an error."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, "expected a mapping (key: value)")
        seen: set[str] = set()
        for key_node, value in node.value:
            key = self.text(key_node)
            if key in seen:
                raise self.error(key_node, f"{key!r} is given twice")
            seen.add(key)
            yield key, key_node, value

    def mapping(self, node: yaml.Node, keys: tuple[str, ...]) -> dict[str, yaml.Node]:
        """A mapping that holds exactly these keys."""
        found: dict[str, yaml.Node] = {}
        for key, key_node, value in self.entries(node):
            if key not in keys:
                raise self.error(key_node, f"unknown key {key!r}; known are {', '.join(keys)}")
            found[key] = value
        missing = [key for key in keys if key not in found]
        if missing:
            raise self.error(node, f"{', '.join(missing)} is missing")
        return found

    def text(self, node: yaml.Node) -> str:
        """A non-empty scalar, as written."""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.error(node, "expected a word")
        return str(node.value)

    def number(self, node: yaml.Node, low: float, high: float) -> float:
        """A number within bounds."""
        try:
            value = float(self.text(node))
        except ValueError as error:
            raise self.error(node, f"{node.value!r} is no number") from error
        if not low <= value <= high:
            raise self.error(node, f"{value} must lie between {low} and {high}")
        return value

    def words(self, node: yaml.Node) -> tuple[str, ...]:
        """A list of words."""
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, "expected a list of words")
        return tuple(self.text(item) for item in node.value)


def _moods(file: _File, node: yaml.Node) -> dict[str, Mood]:
    moods: dict[str, Mood] = {}
    taken: dict[str, str] = {}
    for code, _, value in file.entries(node):
        entry = file.mapping(value, ("valence", "arousal", "en", "ja", "synonyms"))
        anchor = file.number(entry["valence"], -1.0, 1.0), file.number(entry["arousal"], 0.0, 1.0)
        names = file.text(entry["en"]), file.text(entry["ja"])
        mood = Mood(code, *anchor, *names, file.words(entry["synonyms"]))
        _claim(file, value, mood, taken)
        moods[code] = mood
    if len(moods) > MAX_MOODS:
        raise file.error(node, f"{len(moods)} moods; at most {MAX_MOODS} can be told apart")
    return moods


def _genres(file: _File, node: yaml.Node) -> dict[str, GenreName]:
    genres: dict[str, GenreName] = {}
    taken: dict[str, str] = {}
    for code, key_node, value in file.entries(node):
        if family_of(code) not in FAMILIES:
            raise file.error(key_node, f"{code!r} belongs to no family; families are {', '.join(FAMILIES)}")
        entry = file.mapping(value, ("en", "ja", "synonyms"))
        genre = GenreName(code, file.text(entry["en"]), file.text(entry["ja"]), file.words(entry["synonyms"]))
        _claim(file, value, genre, taken)
        genres[code] = genre
    missing = [family for family in FAMILIES if family not in genres]
    if missing:
        raise file.error(node, f"the families {', '.join(missing)} have no names")
    return genres


def _techniques(file: _File) -> dict[str, dict[str, TechniqueName]]:
    techniques: dict[str, dict[str, TechniqueName]] = {}
    for instrument, key_node, value in file.entries(file.root):
        if instrument not in INSTRUMENTS:
            raise file.error(key_node, f"unknown instrument {instrument!r}; known are {', '.join(INSTRUMENTS)}")
        names: dict[str, TechniqueName] = {}
        for code, _, entry_node in file.entries(value):
            entry = file.mapping(entry_node, ("en", "ja"))
            names[code] = TechniqueName(code, file.text(entry["en"]), file.text(entry["ja"]))
        techniques[instrument] = names
    return techniques


def _sources(file: _File, node: yaml.Node, known: Mapping[str, object]) -> dict[str, dict[str, str]]:
    sources: dict[str, dict[str, str]] = {}
    for source, _, value in file.entries(node):
        words: dict[str, str] = {}
        for word, _, target in file.entries(value):
            code = file.text(target)
            if code not in known:
                raise file.error(target, f"{source} {word!r} leads to {code!r}, which is not in this file")
            words[word] = code
        sources[source] = words
    return sources


def _claim(file: _File, node: yaml.Node, entry: Mood | GenreName, taken: dict[str, str]) -> None:
    """Note the entry's words; one that another entry has is an error."""
    for word in _words_of(entry):
        other = taken.setdefault(word, entry.code)
        if other != entry.code:
            raise file.error(node, f"{word!r} belongs to {other!r} already")


def _words_of(entry: Mood | GenreName) -> set[str]:
    return {_fold(word) for word in (entry.code, entry.name_en, entry.name_ja, *entry.synonyms)}


def _index(entries: Iterable[Mood | GenreName]) -> dict[str, str]:
    return {word: entry.code for entry in entries for word in _words_of(entry)}


def _fold(word: str) -> str:
    return word.strip().casefold()


def _look_up(sources: Mapping[str, Mapping[str, str]], source: str, word: str) -> str:
    if source not in sources:
        raise InvalidValue("unknown_choice", name="data set", value=source, choices=", ".join(sources))
    if word not in sources[source]:
        raise InvalidValue("unknown_choice", name=f"{source} label", value=word, choices=", ".join(sources[source]))
    return sources[source][word]
