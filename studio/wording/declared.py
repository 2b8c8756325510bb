"""What a loop's file declares of key and metre, in words, beside what was estimated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.music.key import KeySignature
from composer_core.music.loop import Loop
from studio.wording.text import t


def key_name(root: str, mode: str) -> str:
    """A key such as C♯ minor in the current language."""
    return f"{root.replace('#', '♯').replace('b', '♭')} {t(f'mode.{mode}')}"


def declared_text(loop: Loop, estimates: Mapping[str, tuple[str, str]]) -> str:
    """Key and metre, each as the file declares it and as it is estimated; "" where the file declares neither.

    `estimates` are values and confidences in words, by "key" and "meter".
    """
    said = {"key": _key(loop.extra.get("declared_key")), "meter": _meter(loop.extra.get("declared_meter"))}
    lines = []
    for name, declared in said.items():
        if declared:
            value, sure = estimates.get(name, ("", ""))
            made = [t("declared.estimate", value=value, confidence=sure)] if value else []
            lines.append(t("common.named", name=t(f"declared.{name}"), value=t("library.dot").join([declared, *made])))
    return "  \n".join(lines)


def _key(said: Any) -> str:
    """A signature by its keys: one that says nothing of minor stands for two."""
    if not isinstance(said, dict):
        return ""
    keys = KeySignature(int(said["fifths"]), bool(said["minor"])).keys
    names = (key_name(*str(key).split(":")) for key in keys)
    return _judged(t("declared.or").join(names), bool(said["doubtful"]))


def _meter(said: Any) -> str:
    return _judged(str(said["meter"]), bool(said["doubtful"])) if isinstance(said, dict) else ""


def _judged(value: str, doubtful: bool) -> str:
    return t("declared.doubtful" if doubtful else "declared.file", value=value)
