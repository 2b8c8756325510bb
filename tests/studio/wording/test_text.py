"""The dictionary: complete in both languages, every key used, every used key there."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from composer_core.errors import MESSAGES, InvalidValue
from composer_core.ingest.warnings import WARNINGS
from composer_core.metrics import METRICS
from studio.wording.text import dictionary, literally
from studio.wording.value_names import IN_JAPANESE, in_japanese

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [path for room in ("studio", "pages") for path in sorted((ROOT / room).rglob("*.py"))]
TEXTS = dictionary()
SAME_IN_BOTH = {"common.app_name", "train.run_folder", "train.folder_hint"}
"""Names that are not translated."""
GAP = r"[\w-]+"
"""What may stand where an f-string has a value."""
FILLED_BY_CODE = ("error.", "warning.")
"""Entries whose key is the code of an error or warning; their own tests hold them complete."""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_it_with_the_same_values(key: str) -> None:
    english, japanese = TEXTS[key]
    assert english.strip() and japanese.strip()
    assert fields(english) == fields(japanese)
    if key not in SAME_IN_BOTH:
        assert re.search(r"[ぁ-んァ-ヶ一-龠（）：・]", japanese)


def test_every_error_of_the_core_has_both_languages() -> None:
    assert {key.removeprefix("error.") for key in TEXTS if key.startswith("error.")} == set(MESSAGES)
    assert all(TEXTS[f"error.{code}"][0] == english for code, english in MESSAGES.items())


def test_every_import_warning_has_both_languages() -> None:
    english = {key.removeprefix("warning."): entry[0] for key, entry in TEXTS.items() if key.startswith("warning.")}
    assert english == WARNINGS


def strings_in(tree: ast.AST) -> set[str]:
    """Every whole string constant: a key may reach t() through a table or a condition."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def patterns_in(tree: ast.AST) -> set[str]:
    """Every f-string as a regular expression that fits what it can become."""
    return {
        "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else GAP for part in node.values)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
    }


def keys_asked_for(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Keys and key patterns that stand directly in a call of t()."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    first = [call.args[0] for call in calls if call.func.id == "t" and call.args]  # type: ignore[attr-defined]
    branches = [
        part for node in first for part in ((node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,))
    ]
    plain = {node.value for node in branches if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return plain, set().union(*(patterns_in(node) for node in branches))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_key_asked_for_exists(path: Path) -> None:
    plain, patterns = keys_asked_for(ast.parse(path.read_text(encoding="utf-8")))
    assert plain <= set(TEXTS)
    for pattern in patterns:
        assert any(re.fullmatch(pattern, key) for key in TEXTS), pattern


def names_known() -> set[str]:
    """What can stand in the gap of an f-string: words of constants, names of fields, arguments and tables' columns,
    codes of the vocabularies, units."""
    paths = [*SOURCES, *sorted((ROOT / "composer_core").rglob("*.py"))]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    found = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    found |= {node.arg for node in nodes if isinstance(node, (ast.arg, ast.keyword)) and node.arg}
    found |= {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    for path in (ROOT / "assets").glob("*.yaml"):
        found |= set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    return found | {re.sub(r"\W+", "_", metric.unit) for metric in METRICS.values()}


def test_every_key_is_used() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    used = set().union(*(strings_in(tree) for tree in trees))
    made = set().union(*(patterns_in(tree) for tree in trees))
    patterns = {re.compile(pattern.replace(GAP, f"({GAP})")) for pattern in made if re.match(r"\w+\\\.", pattern)}
    known = names_known()
    notices = {f"unlearnt_{name}" for name in known}

    def fits(key: str) -> bool:
        return any(set(found.groups()) <= known | notices for one in patterns if (found := one.fullmatch(key)))

    assert not {key for key in TEXTS if key not in used and not key.startswith(FILLED_BY_CODE) and not fits(key)}


def say_in_japanese() -> None:
    import streamlit as st

    from composer_core.errors import InvalidValue
    from studio import session
    from studio.wording.text import error_text, language, t

    session.choose_language("ja")
    st.text(language())
    st.text(t("generate.take", number=2))
    error = InvalidValue("value_out_of_range", name="tempo", value=0, low=30.0, high=300.0, unit=" BPM")
    st.text(error_text(error))


def test_an_error_is_said_in_the_chosen_language() -> None:
    app = AppTest.from_function(say_in_japanese).run()
    assert [element.value for element in app.text] == [
        "ja",
        "テイク 2",
        "テンポが 0 になっています。30.0〜300.0 BPM の範囲で指定してください。",
    ]


def test_the_english_error_is_the_core_s_own_sentence() -> None:
    error = InvalidValue("value_out_of_range", name="tempo", value=0, low=30.0, high=300.0, unit=" BPM")
    assert TEXTS["error.value_out_of_range"][0].format(**error.values) == str(error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("take 2 came out silent: no notes.", "take 2 came out silent: no notes."),
        ("a*b*_c_.mid", r"a\*b\*\_c\_.mid"),
        (":red[x] $y$ <b> [l](http://x)", "\\:red\\[x\\] \\$y\\$ \\<b\\> \\[l\\](http:\u2060//x)"),
        ("see HTTPS://x.example or www.x.example", "see HTTPS:\u2060//x.example or www\u2060.x.example"),
        ("kim@x.example :material/delete:", "kim@\u2060x.example :\u2060material/delete:"),
        ("awww, @home 5:30 a@ b", "awww, @home 5:30 a@ b"),
    ],
)
def test_names_of_files_are_shown_literally(text: str, shown: str) -> None:
    assert literally(text) == shown


ASKED_OF = [
    *sorted((ROOT / "composer_core" / "music").rglob("*.py")),
    *(
        ROOT / "composer_core" / "pipeline" / f"{name}.py"
        for name in ("generation/ensembles", "generation/variation", "editing/recipes", "training/runs")
    ),
]
"""Where values a person types into the studio are refused."""


def refusals(path: Path) -> set[str]:
    """The fixed words of every refusal: names of values, what was expected, and why two things clash."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        keyword.value.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "InvalidValue"
        for keyword in call.keywords
        if keyword.arg in ("name", "expected", "reason")
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value
    }


@pytest.mark.parametrize("path", ASKED_OF, ids=lambda path: path.name)
def test_a_refusal_is_japanese_to_its_last_word(path: Path) -> None:
    assert refusals(path) <= set(IN_JAPANESE)


def test_why_two_techniques_clash_is_said_in_japanese() -> None:
    from composer_core.music.technique import _EXCLUSIVE

    assert {reason for _, reason in _EXCLUSIVE} <= set(IN_JAPANESE)


@pytest.mark.parametrize(
    ("value", "japanese"),
    [
        ("technique for strings", "ストリングスの奏法"),
        ("register of bass", "ベースの音域"),
        ("3 chords", "コード 3 個"),
        ("4 bars", "4 小節"),
        ("grooves/late night.mid", "grooves/late night.mid"),
    ],
)
def test_a_value_with_a_name_in_it_is_japanese(value: str, japanese: str) -> None:
    assert in_japanese(value) == japanese
