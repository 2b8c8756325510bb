"""Say in the current language why a file was refused or what is odd about it.

An import reports {path, code, message} with an English message. The values are parsed back out
of it with the template of the code, so that the Japanese sentence can hold them too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter

from composer_core.errors import MESSAGES
from composer_core.pipeline.library.loops import WARNINGS
from composer_core.workspace import Workspace
from studio.wording.text import language, t
from studio.wording.value_names import in_japanese

_QUOTE, _NUMBER = """['"]""", r"-?[\d.]+"


def refusal_text(row: Mapping[str, str]) -> str:
    """Why a file was refused, without its path (a column of its own)."""
    return _in_words(row, MESSAGES.get(row["code"]), f"error.{row['code']}")


def warning_text(row: Mapping[str, str]) -> str:
    """What is odd about an accepted file, without its path."""
    return _in_words(row, WARNINGS.get(row["code"]), f"warning.{row['code']}")


def shown_path(path: str, workspace: Workspace, named: Sequence[str] = ()) -> str:
    """A file as the person knows it: an upload by its own name, one of a `named` folder by its place in it, any other
    by its path."""
    try:
        inside = Path(path).relative_to(workspace.sources)
    except ValueError:
        below = (Path(path).relative_to(folder) for folder in named if Path(path).is_relative_to(folder))
        return min((str(place) for place in below if place.parts), key=len, default=path)
    return "/".join(inside.parts[1:]) or path


def values_of(template: str, message: str, path: str) -> dict[str, object] | None:
    """The values a message about `path` was made with: text, or float where the template formats a number.

    None when the message was not made with this template.
    """
    pattern, numbers = _pattern(template, path)
    match = pattern.fullmatch(message)
    if match is None:
        return None
    return {"path": path} | {name: float(v) if name in numbers else v for name, v in match.groupdict().items()}


def _in_words(row: Mapping[str, str], template: str | None, key: str) -> str:
    values = None if template is None else values_of(template, row["message"], row["path"])
    if values is None:
        return row["message"]
    if language() == "ja":
        values = {name: in_japanese(value) if isinstance(value, str) else value for name, value in values.items()}
    return t(key, **values).removeprefix(str(values["path"])).lstrip(":： ")


def _pattern(template: str, path: str) -> tuple[re.Pattern[str], set[str]]:
    """A regular expression for the messages of a template, and which of its values are numbers."""
    parts: list[str] = []
    numbers: set[str] = set()
    seen: set[str] = set()
    for literal, name, spec, conversion in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name == "path":
            parts.append(re.escape(path))
        elif name is not None:
            numbers |= {name} if spec else set()
            group = f"(?P={name})" if name in seen else f"(?P<{name}>{_NUMBER if spec else '.*?'})"
            parts.append(f"{_QUOTE}{group}{_QUOTE}" if conversion == "r" else group)
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL), numbers
