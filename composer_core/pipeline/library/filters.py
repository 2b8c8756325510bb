"""A search of the library: the Filter, its form in an address, and the language of `--where`.

The language is a list of comparisons joined by `and`:

    instrument=drums and tempo_bpm>=100 and genre=funk|jazz and metrics.swing_ratio_8>1.4 and text~"brush kit"

`=` and `!=` take one value, or several separated by `|`. Numbers also take `>=`, `>`, `<=` and `<`.
`text~` searches for words in the names of file and track and in the note. Values with blanks or signs
are put in quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from composer_core.errors import InvalidValue

CHOICES: dict[str, str] = {
    "instrument": "instruments",
    "genre": "genres",
    "emotion": "emotions",
    "technique": "techniques",
    "key_root": "key_roots",
    "key_mode": "key_modes",
    "measured_root": "measured_roots",
    "measured_mode": "measured_modes",
    "meter": "meters",
    "swing": "swing_phases",
    "origin": "origins",
    "status": "statuses",
    "source": "sources",
    "dataset": "datasets",
    "profile": "profiles",
}
"""Maps a name in an address and in `--where` to the field of Filter that holds its values."""
WORDS_OF = {"swing_phase": "swing", "label_status": "status", "judged_profile": "profile"}
"""The column names of some choices, which `--where` accepts as well."""
MAX_IDS_IN_QUERY = 40
"""The most loops an address names one by one; more would make it too long for a browser."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PIECE = re.compile(
    r"\s*(?:(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<sign>>=|<=|!=|=|>|<|~)|(?P<bar>\|)|(?P<word>[^\s=<>!~|\"']+))"
)


@dataclass(frozen=True, slots=True)
class ColumnRange:
    """low <= column <= high, both in the column's unit; infinite ends are open."""

    column: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions that loops must meet; an empty field sets no condition.

    Several values in one field mean any of them. `genres` holds families (which match their
    sub-styles) and sub-styles. `key_roots`, `key_modes`, `emotions`, `genres` and `techniques`
    refer to current labels, `measured_roots` and `measured_modes` to the key estimated from the
    notes. `statuses` may hold "unlabelled". `sources` holds whole file names, `datasets` names of
    data sets, `profiles` those of the profiles that scores are read by. `ranges` may name any numeric
    column. `without` holds pairs (name of a choice, value) that must not match. `below_total` keeps
    the loops that scored below this pass mark by their own profile. `text` holds words to find in the
    names of file and track and in the note. `loop_ids` keeps only these loops,
    for instance after a lasso; an address holds only a few of them.
    """

    instruments: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    key_roots: tuple[str, ...] = ()
    key_modes: tuple[str, ...] = ()
    measured_roots: tuple[str, ...] = ()
    measured_modes: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()
    swing_phases: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    ranges: tuple[ColumnRange, ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    text: str = ""
    below_total: float | None = None
    hide_duplicates: bool = False
    hide_excluded: bool = False
    loop_ids: tuple[str, ...] = ()

    def range_of(self, column: str) -> tuple[float, float] | None:
        """The range (low, high) set for a column; None when none is."""
        return next(((one.low, one.high) for one in self.ranges if one.column == column), None)

    def with_range(self, column: str, low: float | None, high: float | None) -> Filter:
        """A copy with the range low <= column <= high in place of an earlier one; None is an open end."""
        others = [one for one in self.ranges if one.column != column]
        if low is None and high is None:
            return replace(self, ranges=tuple(others))
        wanted = ColumnRange(column, -math.inf if low is None else low, math.inf if high is None else high)
        return replace(self, ranges=tuple(sorted((*others, wanted), key=lambda one: one.column)))

    def dropping(self, name: str) -> Filter:
        """A copy without the condition on one choice or one numeric column."""
        if name in CHOICES:
            return self.choosing(name, ())
        return self.with_range(name, None, None)

    def choosing(self, name: str, values: tuple[str, ...]) -> Filter:
        """A copy with these values for one choice."""
        changed: dict[str, Any] = {CHOICES[name]: values}
        return replace(self, **changed)

    def to_query(self) -> dict[str, str]:
        """The parameters of an address, without empty ones; `from_query` reads them back."""
        found = {name: ",".join(map(_escaped, getattr(self, field))) for name, field in CHOICES.items()}
        found |= {one.column: f"{_number_text(one.low)}..{_number_text(one.high)}" for one in self.ranges}
        found["not"] = ",".join(f"{name}:{_escaped(value)}" for name, value in self.without)
        found["q"] = self.text
        found["below"] = "" if self.below_total is None else _number_text(self.below_total)
        hidden = {"duplicates": self.hide_duplicates, "excluded": self.hide_excluded}
        found["ids"] = ",".join(self.loop_ids) if len(self.loop_ids) <= MAX_IDS_IN_QUERY else ""
        found["hide"] = ",".join(name for name, asked in hidden.items() if asked)
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filter:
        """Read the parameters of an address, ignoring those that make no sense.

        An address may be old or typed by hand, so it is never an error. A parameter with a value
        `low..high` sets a range for the column it is named after.
        """
        asked: dict[str, Any] = {field: _values(query.get(name, "")) for name, field in CHOICES.items()}
        ranges = {name: _range(name, text) for name, text in query.items() if name not in CHOICES}
        asked["ranges"] = tuple(sorted((one for one in ranges.values() if one), key=lambda one: one.column))
        pairs = (piece.partition(":") for piece in query.get("not", "").split(","))
        asked["without"] = tuple((name, unquote(value)) for name, _, value in pairs if name in CHOICES and value)
        below = query.get("below", "")
        asked["below_total"] = float(below) if re.fullmatch(_NUMBER, below) else None
        hidden = query.get("hide", "").split(",")
        return cls(
            text=query.get("q", ""),
            hide_duplicates="duplicates" in hidden,
            hide_excluded="excluded" in hidden,
            loop_ids=tuple(filter(None, query.get("ids", "").split(",")))[:MAX_IDS_IN_QUERY],
            **asked,
        )


EVERYTHING = Filter()
"""The filter without conditions, which every loop matches."""


def _escaped(value: str) -> str:
    return quote(value, safe=" /&=?#+!*'()[]~@$;")


def _values(text: str) -> tuple[str, ...]:
    return tuple(unquote(piece) for piece in text.split(",") if piece)


def _number_text(value: float) -> str:
    if math.isinf(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _range(column: str, text: str) -> ColumnRange | None:
    low, dots, high = text.partition("..")
    if not dots or not all(re.fullmatch(_NUMBER, bound) for bound in (low, high) if bound) or not (low or high):
        return None
    return ColumnRange(column, float(low) if low else -math.inf, float(high) if high else math.inf)


def parse_where(text: str, number_columns: tuple[str, ...]) -> Filter:
    """Parse a `--where` text into a Filter. InvalidValue names the place it does not understand.

    `number_columns` are the columns that may be compared as numbers. An unknown name is refused
    with the list of the known ones.
    """
    found = Filter()
    for written, sign, values in _comparisons(text):
        name = WORDS_OF.get(written, written)
        if name == "text":
            _require_sign(name, sign, ("~",))
            found = replace(found, text=" ".join(filter(None, (found.text, *values))))
        elif name in CHOICES:
            _require_sign(name, sign, ("=", "!="))
            found = _with_choice(found, name, sign, values)
        elif name in number_columns:
            found = _with_number(found, name, sign, values)
        else:
            known = ", ".join((*CHOICES, "text", *number_columns))
            raise InvalidValue("unknown_option", name=name, where="--where", choices=known)
    return found


def _with_choice(found: Filter, name: str, sign: str, values: tuple[str, ...]) -> Filter:
    if sign == "!=":
        return replace(found, without=(*found.without, *((name, value) for value in values)))
    before: tuple[str, ...] = getattr(found, CHOICES[name])
    both = tuple(value for value in values if value in before) if before else values
    if not both:
        raise InvalidValue("contradiction", first=f"{name}={before[0]}", second=f"{name}={values[0]}", reason="both")
    return found.choosing(name, both)


def _with_number(found: Filter, name: str, sign: str, values: tuple[str, ...]) -> Filter:
    _require_sign(name, sign, ("=", ">=", "<=", ">", "<"))
    if len(values) > 1 or not re.fullmatch(_NUMBER, values[0]):
        raise InvalidValue("bad_format", name=name, value="|".join(values), expected="a number")
    value = float(values[0])
    low, high = found.range_of(name) or (-math.inf, math.inf)
    # A range includes both ends, so a strict sign means the next number above or below.
    if sign in ("=", ">=", ">"):
        low = max(low, math.nextafter(value, math.inf) if sign == ">" else value)
    if sign in ("=", "<=", "<"):
        high = min(high, math.nextafter(value, -math.inf) if sign == "<" else value)
    if low > high:
        raise InvalidValue("contradiction", first=f"{name} from {low}", second=f"to {high}", reason="no number is both")
    return found.with_range(name, low, high)


def _require_sign(name: str, sign: str, signs: tuple[str, ...]) -> None:
    if sign not in signs:
        raise InvalidValue("bad_format", name=name, value=sign, expected=f"one of {' '.join(signs)} after it")


def _comparisons(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """The (name, sign, values) of every comparison; InvalidValue where the text is not a comparison."""
    found: list[tuple[str, str, tuple[str, ...]]] = []
    pieces = _pieces(text)
    position = 0
    while position < len(pieces):
        if found:
            if pieces[position] != ("word", "and"):
                raise _misread(text, pieces[position][1])
            position += 1
        if [kind for kind, _ in pieces[position : position + 2]] != ["word", "sign"]:
            raise _misread(text, pieces[position][1] if position < len(pieces) else "its end")
        name, sign = pieces[position][1], pieces[position + 1][1]
        position += 2
        values: list[str] = []
        while position < len(pieces) and pieces[position][0] in ("word", "quoted"):
            values.append(pieces[position][1])
            position += 1
            if position < len(pieces) and pieces[position][0] == "bar":
                position += 1
                continue
            break
        if not values or pieces[position - 1][0] == "bar":
            raise _misread(text, f"what {name} {sign} is compared with")
        found.append((name, sign, tuple(values)))
    return found


def _pieces(text: str) -> list[tuple[str, str]]:
    pieces = []
    position = 0
    while text[position:].strip():
        match = _PIECE.match(text, position)
        if match is None:
            raise _misread(text, text[position:].strip()[:20])
        kind = str(match.lastgroup)
        piece = match[kind]
        pieces.append((kind, piece[1:-1] if kind == "quoted" else piece))
        position = match.end()
    return pieces


def _misread(text: str, place: str) -> InvalidValue:
    example = "comparisons joined by 'and', such as instrument=drums and tempo_bpm>=100"
    return InvalidValue("bad_format", name="--where", value=text, expected=f"{example} (stopped at {place!r})")
