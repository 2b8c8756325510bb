"""Text by others as plain values: YAML and JSON without anything that runs, hangs or grows when it is looked at.

Refused, with the line: references (`&a`, `*a`, `<<`), tags, a key given twice, values nested deeper than
MAX_DEPTH, numbers of thousands of digits, NaN and infinities, and half of a surrogate pair. Dates stay texts.
Everything that is returned can be written as JSON and shown in a sentence.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import yaml

from composer_core.errors import InvalidValue

MAX_DEPTH = 32
"""Lists and mappings within each other; what we read ourselves has fewer than ten."""
MAX_VALUES = 20_000
"""Of a YAML file that is read at once; its reader takes a second for so many."""
MAX_DIGITS = 40
MAX_BYTES = 1 << 20
"""Of a recipe, a groove, a configuration or a vocabulary: none is longer than some pages."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF = re.compile(r"\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[dD][c-fC-F][0-9a-fA-F]{2})")
_NESTS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ANYTHING = list("-+.0123456789")


class BadText(ValueError):
    """Text that is refused: the line it is refused at (from 1) and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


def read_text(data: bytes, name: str, read: Callable[[str], object], limit: int = MAX_BYTES) -> object:
    """What `read` (plain_yaml or plain_json) finds in a file called `name`; InvalidValue names file and line."""
    try:
        return read(decoded(data, limit))
    except BadText as error:
        raise InvalidValue("bad_text", path=name, line=error.line, reason=error.reason) from error


def decoded(data: bytes, limit: int) -> str:
    """The text of a file of at most `limit` bytes in UTF-8, without its mark. BadText for another."""
    if len(data) > limit:
        raise BadText(1, f"more than {limit} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadText(data.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from error


def plain_yaml(text: str, most_values: int = MAX_VALUES) -> object:
    """A YAML document as plain values, None where it is empty. BadText for anything refused."""
    with _refusals(text):
        return PlainLoader(text, most_values).get_single_data()


def yaml_nodes(text: str) -> yaml.Node | None:
    """A YAML document as nodes that know their lines, None where it is empty. BadText for anything refused."""
    with _refusals(text):
        node: yaml.Node | None = PlainLoader(text).get_single_node()
        return node


@contextmanager
def _refusals(text: str) -> Iterator[None]:
    """PyYAML's errors as BadText."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadText(mark.line + 1 if mark else 1, f"this is no YAML ({error.problem or error.context})") from error
    except yaml.reader.ReaderError as error:
        reason = f"the character {error.character!r} is not allowed"
        raise BadText(text.count("\n", 0, error.position) + 1, reason) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadText(1, f"this is no YAML ({type(error).__name__})") from error


class PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader, narrowed: no references, no tags, no dates, no numbers to the base of 60."""

    def __init__(self, text: str, most_values: int = MAX_VALUES) -> None:
        super().__init__(text)
        self._depth = self._n_values = 0
        self._most_values = most_values

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; BadText for a reference, a tag, one too many, or one nested too deeply."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadText(line, "references (& and *) are not allowed")
        if getattr(event, "tag", None) not in (None, "!"):
            raise BadText(line, "tags (!) are not allowed")
        if self._depth >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise BadText(line, f"nested more than {MAX_DEPTH} deep")
        self._n_values += 1
        if self._n_values > self._most_values:
            raise BadText(line, f"more than {self._most_values} values")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """A mapping; BadText for a key that is no text or number, or that is given twice."""
        found: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadText(line, "a key must be a word")
            key = self.construct_object(key_node)
            if key in found:
                raise BadText(line, f"{_short(key)} is given twice")
            found[key] = self.construct_object(value_node, deep=deep)
        return found

    def construct_plain(self, node: yaml.ScalarNode) -> str:
        """A text; BadText for half of a surrogate pair, which an escape can write."""
        if _SURROGATE.search(node.value):
            raise BadText(node.start_mark.line + 1, "half of a surrogate pair is no text")
        return str(node.value)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A decimal number; BadText where it has thousands of digits or is none that counts."""
        line = node.start_mark.line + 1
        if len(node.value) > MAX_DIGITS:
            raise BadText(line, f"a number of {len(node.value)} characters")
        number = int(node.value) if _INT.fullmatch(node.value) else float(node.value)
        if not math.isfinite(number):
            raise BadText(line, f"{node.value} is no number that counts")
        return number


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rsplit(":", 1)[-1] in ("null", "bool")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"(?:{_INT.pattern})$"), _ANYTHING)
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT.pattern})$"), _ANYTHING)
PlainLoader.add_constructor("tag:yaml.org,2002:int", PlainLoader.construct_number)
PlainLoader.add_constructor("tag:yaml.org,2002:float", PlainLoader.construct_number)
PlainLoader.add_constructor("tag:yaml.org,2002:str", PlainLoader.construct_plain)


def plain_json(text: str, allowed_depth: int = MAX_DEPTH) -> object:
    """A JSON document as plain values. BadText for anything refused."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant, parse_int=_int, parse_float=_float)
    except json.JSONDecodeError as error:
        raise BadText(error.lineno, f"this is no JSON ({error.msg})") from error
    except RecursionError as error:
        raise BadText(_line_of_depth(text, allowed_depth), f"nested more than {allowed_depth} deep") from error
    except ValueError as error:
        raise BadText(_line_of(text, re.escape(error.args[1])), error.args[0]) from error
    if _depth(value, allowed_depth) > allowed_depth:
        raise BadText(_line_of_depth(text, allowed_depth), f"nested more than {allowed_depth} deep")
    if _HALF.search(text) and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BadText(_line_of(text, _HALF.pattern), "half of a surrogate pair is no text")
    return value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number", word)


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits", digits)
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{_short(digits)} is no number that counts", digits)
    return number


def _depth(value: object, enough: int) -> int:
    """Lists and mappings within each other; counted no further than one beyond `enough`."""
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level and depth <= enough:
        depth += 1
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return depth


def _line_of_depth(text: str, allowed: int) -> int:
    depth = 0
    for match in _NESTS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > allowed:
            return text.count("\n", 0, match.start()) + 1
    return 1


def _line_of(text: str, pattern: str) -> int:
    match = re.search(pattern, text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
