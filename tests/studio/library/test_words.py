"""Names and import words of the Library, without a page."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from composer_core.errors import MESSAGES, RefusedFile
from composer_core.ingest.warnings import WARNINGS, FileWarning
from composer_core.workspace import Workspace
from studio import session
from studio.library.import_words import refusal_text, shown_path, values_of, warning_text
from studio.wording.loop_names import bars_text, file_stem, plain


def test_names() -> None:
    assert file_stem("songs/Fill 1.MID") == "Fill 1"
    assert file_stem("C:\\songs\\fill.kar") == "fill"
    assert file_stem("a.b.c") == "a.b.c"
    assert (bars_text(0, 4), bars_text(4, 1)) == ("1–4", "5")
    assert plain("![x](y) <b>\n# *a*") == r"\!\[x\]\(y\) \<b\> \# \*a\*"
    assert plain(":red[b] $x$ `c`") == r"\:red\[b\] \$x\$ \`c\`"


def test_uploads_are_shown_by_their_own_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert shown_path(str(workspace.sources / "0123456789abcdef" / "a.zip!b/c.mid"), workspace) == "a.zip!b/c.mid"
    assert shown_path("elsewhere/a.mid", workspace) == "elsewhere/a.mid"
    assert shown_path("/music/set/b/a.mid", workspace, ["/music/set"]) == "b/a.mid"
    assert shown_path("/music/set/b/a.mid", workspace, ["/music/set/b/a.mid", "/other"]) == "/music/set/b/a.mid"


VALUES = {
    "path": "x/y: z.mid",
    "found": "'RIFF'",
    "what": "a track",
    "reason": "odd (3)",
    "value": "5/0",
    "minutes": 1440.0,
    "limit": 120,
    "count": 3,
    "parts": "Kick = drums",
    "map": "Alesis",
    "percent": 40,
    "keys": "C:major",
    "meter": "1/4",
    "likely": "3/4",
    "file": "beats.txt",
    "line": 4,
    "size": 9,
    "promised": 2,
}


def test_every_refusal_and_warning_is_told_in_japanese_with_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "chosen_language", lambda: "ja")
    fields = {code: {name for _, name, _, _ in Formatter().parse(text) if name} for code, text in MESSAGES.items()}
    refusals = [code for code, names in fields.items() if MESSAGES[code].startswith("{path}:") and names <= set(VALUES)]
    assert {"not_midi", "truncated", "bad_resolution", "bad_meter", "too_long", "archive_bomb"} < set(refusals)
    for code in refusals:
        message = str(RefusedFile(code, **VALUES))
        told = refusal_text({"path": VALUES["path"], "code": code, "message": message})
        assert told != message and "{" not in told and str(VALUES["path"]) not in told, code
    for code in WARNINGS:
        warning = FileWarning(code, str(VALUES["path"]), {k: v for k, v in VALUES.items() if k != "path"})
        told = warning_text(warning.to_json())
        assert told != warning.message and "{" not in told, code


def test_values_are_read_back_out_of_a_message() -> None:
    message = str(RefusedFile("too_long", path="a.mid", minutes=1440.2, limit=120))
    assert values_of(MESSAGES["too_long"], message, "a.mid") == {"path": "a.mid", "minutes": 1440.0, "limit": "120"}
    assert values_of(MESSAGES["too_long"], "something else", "a.mid") is None


def test_message_of_an_unknown_code_is_shown_as_it_is() -> None:
    assert refusal_text({"path": "a", "code": "of_a_later_release", "message": "a: no"}) == "a: no"
