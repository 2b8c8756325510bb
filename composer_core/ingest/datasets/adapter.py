"""What the adapter of a data set is: how to know the set, which files hold its facts, how to read them.

`parse` touches untrusted bytes and runs in a reader process; `facts` is pure and sees only
what `parse` made of them. Words of a data set stay its own here (`Label.foreign`): they are
translated through the vocabularies when they are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TypedDict

from composer_core.ingest.beats import BadBeats, Beats
from composer_core.store.labels.records import LabelValue

Row = dict[str, object]
"""One row of an index, plain JSON; `place` says where it stood ("info.csv line 3")."""


class LabelPlace(TypedDict, total=False):
    """Where in its file a label holds, as in `Label`."""

    span_quarter: tuple[float, float] | None
    span_sec: tuple[float, float] | None
    part: int | None


@dataclass(frozen=True, slots=True)
class Label:
    """What a data set says in one label field.

    `foreign`: `value` is the data set's own word. `span_quarter` or `span_sec`: it holds only
    from there to there in the file. `part` limits it to one part, counted as in `cut`.
    """

    field: str
    value: LabelValue
    confidence: float
    foreign: bool = False
    span_quarter: tuple[float, float] | None = None
    span_sec: tuple[float, float] | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a data set knows of one file; `group` names what must never be split between training and test."""

    title: str = ""
    composer: str = ""
    split: str = ""
    group: str = ""
    labels: tuple[Label, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issue:
    """A row or file that led nowhere, and why: a key of ISSUES with the word it is about."""

    place: str
    reason: str
    word: str = ""


ISSUES = {
    "no_file": "it names a file that is not here",
    "no_row": "nothing is said about this file",
    "outside": "it points outside the data set's folder",
    "bad_row": "a column is missing or holds an impossible value",
    "contradiction": "it contradicts what is said elsewhere",
    "unknown_word": "a word that the vocabularies do not know",
    "no_loop": "the file gave no loop",
    "refused_file": "the file could not be read",
    "no_resolution": "no resolution is known for these notes",
    "not_expected": "no file of a kind that is read here",
    "beats_packed": "its bars are told by files that are not read inside an archive; unpack it and import the folder",
}
"""The closed list of reasons, with their English sentences."""


@dataclass(slots=True)
class Reading:
    """Facts by file (relative to the folder, forward slashes) or by MD5 of the file, and what led nowhere."""

    by_file: dict[str, FileFacts] = field(default_factory=dict)
    by_md5: dict[str, FileFacts] = field(default_factory=dict)
    progressions: list[Row] = field(default_factory=list)
    n_rows: int = 0
    unmatched: list[Issue] = field(default_factory=list)
    refused: list[Issue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reader process made of one index file: good rows, and refused ones with their reasons."""

    name: str
    rows: list[Row] = field(default_factory=list)
    refused: list[Issue] = field(default_factory=list)


FactsOf = Callable[[Sequence[str], Sequence[Parsed]], Reading]


@dataclass(frozen=True, slots=True)
class BeatFile:
    """Where a data set says when the beats of its MIDI files sound, for sets whose files have no bars worth the name.

    `beside` names the file of a MIDI file's beats (None: it has none); `parse` runs in the reader process.
    """

    beside: Callable[[PurePath], PurePath | None]
    parse: Callable[[bytes], Beats | BadBeats]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One data set.

    `detect` looks at names below a path only; `indexes` lists the files with facts; `parse`
    turns one of them into rows; `facts` joins rows with the MIDI files that are there.
    `listing` gives rows made of file names alone, `beats` the beats that bars are cut by.
    `tested_on` is "real files" or "fixtures", `source` where the layout is described.
    `licence` is what the set's own licence file says; "" where none is known.
    """

    name: str
    title: str
    source: str
    tested_on: str
    detect: Callable[[Path], bool]
    indexes: Callable[[Path], list[Path]]
    parse: Callable[[str, bytes], Parsed]
    facts: FactsOf
    listing: Callable[[Path], Parsed] | None = None
    beats: BeatFile | None = None
    licence: str = ""


def no_indexes(_root: Path) -> list[Path]:
    """For data sets whose file names say everything."""
    return []


def nothing_to_parse(name: str, _data: bytes) -> Parsed:
    """For the same."""
    return Parsed(name)


def facts_by_name(of_name: Callable[[str], FileFacts | None]) -> FactsOf:
    """`facts` for data sets whose file names say everything; None for a name of another shape."""

    def read(files: Sequence[str], _parsed: Sequence[Parsed]) -> Reading:
        """One row a file whose name says something; the other files are unmatched."""
        reading = Reading()
        for file in files:
            facts = of_name(file)
            if facts is None:
                reading.unmatched.append(Issue(file, "no_row"))
            else:
                reading.n_rows += 1
                reading.by_file[file] = facts
        return reading

    return read


def join_rows(
    files: Sequence[str],
    parsed: Sequence[Parsed],
    file_of: Callable[[Row], str],
    facts_of: Callable[[Row], FileFacts | Issue],
) -> Reading:
    """Match rows with files: by the relative path, else by the file name where that is unique."""
    reading = Reading()
    there, by_name = set(files), _unique_names(files)
    for one in parsed:
        reading.refused += one.refused
        reading.n_rows += len(one.rows) + len(one.refused)
        for row in one.rows:
            _join_row(row, file_of(row), facts_of, there, by_name, reading)
    reading.unmatched += [Issue(file, "no_row") for file in files if file not in reading.by_file]
    return reading


def _join_row(
    row: Row,
    named: str,
    facts_of: Callable[[Row], FileFacts | Issue],
    there: set[str],
    by_name: Mapping[str, str],
    reading: Reading,
) -> None:
    if points_outside(named):
        reading.refused.append(Issue(str(row["place"]), "outside", named))
        return
    name = named.replace("\\", "/").removeprefix("./")
    file = name if name in there else by_name.get(name.rsplit("/", 1)[-1].casefold())
    if file is None:
        reading.unmatched.append(Issue(str(row["place"]), "no_file", named))
        return
    facts = facts_of(row)
    if isinstance(facts, Issue):
        reading.refused.append(facts)
    elif file in reading.by_file and reading.by_file[file] != facts:
        reading.refused.append(Issue(str(row["place"]), "contradiction", named))
    else:
        reading.by_file[file] = facts


def points_outside(name: str) -> bool:
    """Whether a path in a table is absolute, climbs out of the folder or holds control characters."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\", "~")) or ".." in parts or ":" in parts[0] or not name.isprintable()


def _unique_names(files: Iterable[str]) -> dict[str, str]:
    """File by its bare name in lower case, where only one file is called so."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for file in files:
        name = file.rsplit("/", 1)[-1].casefold()
        if name in found:
            twice.add(name)
        found[name] = file
    return {name: file for name, file in found.items() if name not in twice}


def there(*paths: Path) -> list[Path]:
    """Those of the paths that are files."""
    return [path for path in paths if path.is_file()]
