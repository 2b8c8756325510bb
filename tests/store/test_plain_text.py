"""Text by others as plain values: what is read, and each refusal with its line."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml

from composer_core.errors import InvalidValue
from composer_core.store.plain_text import MAX_DEPTH, BadText, plain_json, plain_yaml, read_text

REFUSED_YAML = [
    # text, line, part of the reason
    ("a: 1\nb: &x [1]\n", 2, "references"),
    ("a: 1\nb: 2\nc: *x\n", 3, "references"),
    ("name: !!python/object/apply:os.system [ls]\n", 1, "tags"),
    ("a: 1\nb: !!timestamp 2026-13-45\n", 2, "tags"),
    ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
    ("? [a, b]\n: c\n", 1, "a key must be a word"),
    ("a:\n  - " + "9" * 6000, 2, "a number of 6000 characters"),
    ("a: 1\nb: 1e999\n", 2, "1e999 is no number"),
    ('a: 1\nb: "\\ud800"\n', 2, "surrogate"),
    ("a: 1\nb: [1\n", 3, "no YAML"),
    ("a: \0\n", 1, "character"),
    ("a\nb: c: d\n", 2, "no YAML"),
    ("--- a\n--- b\n", 2, "no YAML"),
    ("a: " + "[" * 50_000, 1, f"nested more than {MAX_DEPTH} deep"),
]
REFUSED_JSON = [
    ("[1,\n 2,,3]", 2, "no JSON"),
    ("[1,\nNaN]", 2, "NaN is no number"),
    ("[1,\n\n-Infinity]", 3, "-Infinity is no number"),
    ("[1,\n1e999]", 2, "1e999"),
    ("[1,\n" + "9" * 6000 + "]", 2, "a number of 6000 digits"),
    ('["good",\n"\\udc00"]', 2, "surrogate"),
    ('["\\ud83d",\n"\\ud83d\\ude00"]', 1, "surrogate"),
    ("\n" + "[" * 100_000, 2, f"nested more than {MAX_DEPTH} deep"),
    ('{"a":\n' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", 2, f"nested more than {MAX_DEPTH} deep"),
]


@pytest.mark.parametrize("text, line, reason", REFUSED_YAML)
def test_yaml_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadText) as caught:
        plain_yaml(text)
    assert caught.value.line == line
    assert reason in caught.value.reason


@pytest.mark.parametrize("text, line, reason", REFUSED_JSON)
def test_json_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadText) as caught:
        plain_json(text)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_dates_hours_and_other_bases_are_texts() -> None:
    text = "a: 2026-11-30\nb: 1:30\nc: 0x1F\nd: 010\ne: yes\nf: ~\ng: -1.5e3\nh: .5\n"
    found = {"a": "2026-11-30", "b": "1:30", "c": "0x1F", "d": 10, "e": True, "f": None, "g": -1500.0, "h": 0.5}
    assert plain_yaml(text) == found


def test_values_are_counted() -> None:
    text = "[" + "a, " * 10 + "]"
    assert plain_yaml(text, 11) == ["a"] * 10
    with pytest.raises(BadText, match="more than 10 values"):
        plain_yaml(text, 10)


def random_value(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind == 5:
        return [random_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 6:
        return {f"k{n}": random_value(chance, depth - 1) for n in range(chance.randrange(4))}
    number = chance.uniform(-1e6, 1e6)
    return (None, chance.random() < 0.5, chance.randrange(-(10**9), 10**9), number, "夜 😀 \n 'x'")[kind]


@pytest.mark.parametrize("seed", range(40))
def test_what_was_written_plainly_comes_back(seed: int) -> None:
    value = random_value(random.Random(seed), 4)
    assert plain_json(json.dumps(value)) == value
    assert plain_json(json.dumps(value, ensure_ascii=False)) == value
    assert plain_yaml(yaml.safe_dump(value, allow_unicode=True)) == value


def test_a_file_is_named_with_its_line_and_its_encoding_checked() -> None:
    assert read_text(b"\xef\xbb\xbfa: 1", "x.yaml", plain_yaml) == {"a": 1}
    with pytest.raises(InvalidValue, match=r"^x\.yaml, line 2: not UTF-8 text\.$"):
        read_text(b"a: 1\nb: \xff", "x.yaml", plain_yaml)
    with pytest.raises(InvalidValue, match=r"^x\.yaml, line 1: more than 3 bytes\.$"):
        read_text(b"a: 1", "x.yaml", plain_yaml, 3)


def test_an_error_can_be_said_whatever_its_value() -> None:
    shared: Any = ["x"]
    for _ in range(40):
        shared = [shared] * 9
    for value in (10**6000, "9" * 100_000, "\ud800", shared, {"a": shared}, [10**6000], float("nan")):
        said = str(InvalidValue("bad_format", name="n", value=value, expected="less"))
        assert len(said) < 3000
        said.encode("utf-8")
