"""Small files that once hung a reader, filled its memory or came out as a traceback, by what they are."""

from __future__ import annotations

import io
import json
import random
import zipfile

_LEVELS = 12


def _alias_bomb() -> bytes:
    """A list of lists of lists that refer to each other: a kilobyte that is 10**12 values when it is looked at."""
    lines = ["name: bomb", 'l0: &l0 ["x"]']
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, _LEVELS + 1)]
    return "\n".join([*lines, f"steps: *l{_LEVELS}", ""]).encode()


def _step_bomb() -> bytes:
    """The same inside a recipe, where a rule's parameter stands; 495 bytes of this kept the web process busy."""
    lines = ["x0: &x0 {a: 1}", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}, *x{n - 1}, *x{n - 1}]" for n in range(1, 16))]
    return "\n".join([*lines, "name: n", "steps:", "  - rule: *x15", ""]).encode()


def _merge_bomb() -> bytes:
    lines = ["m0: &m0 {a: 1, b: 2}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    return "\n".join(["name: n", *lines, ""]).encode()


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.mid", b"MThd" + bytes(30_000_000))
    return stream.getvalue()


def _step(text: str) -> bytes:
    return f"name: n\nsteps:\n  - {text}\n".encode()


def _row(value: str, field: str = "quality") -> bytes:
    return f"loop_id,field,value\nL,{field},{value}\n".encode()


_ENDLESS = bytes.fromhex("4d546864000000060000000101e04d54726b0000000f") + b"\xff\xff\xff\x7f\x90" * 3

HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\xff",
    "noise": random.Random(7).randbytes(5000),
    "only NUL": bytes(4096),
    "UTF-16 without a mark": "name: n\nsteps: []\n".encode("utf-16-le"),
    "UTF-16 with a mark, cut off": "name: n\n".encode("utf-16")[:-1],
    "half a character": "name: 夜".encode()[:-1],
    "Shift-JIS": "name: 夜の曲\nsteps: []\n".encode("cp932"),
    "alias bomb": _alias_bomb(),
    "alias bomb in a step": _step_bomb(),
    "merge bomb": _merge_bomb(),
    "itself": b"&a [*a]\n",
    "zip bomb": _zip_bomb(),
    "deep YAML": b"steps: " + b"[" * 50_000,
    "deep YAML in blocks": "\n".join("  " * n + "-" for n in range(600)).encode(),
    "many questions": b"? " * 20_000,
    "deep JSON": b"[" * 100_000,
    "deep JSON, whole": b'{"a":' * 900 + b"1" + b"}" * 900,
    "6,000 digits": b"9" * 6000,
    "6,000 digits in YAML": _step("rule: swing\n    percent: " + "9" * 6000),
    "6,000 digits in JSON": b'[{"data": {"loop_id": ' + b"9" * 6000 + b'}, "annotations": []}]',
    "6,000 digits in a line of JSON": b'{"loop_id": "L", "field": "quality", "value": ' + b"9" * 6000 + b"}\n",
    "6,000 digits in a cell": _row("9" * 6000),
    "a number to the base of 60": b"a: " + b":".join([b"59"] * 5000),
    "a day that is none": b"name: 2026-13-45\nsteps: 2026-02-31 99:99:99\n",
    "a time that is none": b"loop_id,field,value,time\nL,quality,3,2026-13-45T99:99:99\n",
    "a metre beyond all": _row("9" * 400 + "/4", "meter"),
    "an over-long cell": _row("x" * 1_000_000, "caption_en"),
    "an over-long line": b"a" * 3_000_000,
    "a quote that never ends": b'loop_id,field,value\nL,quality,"3\n' + b"x,y,z\n" * 2000,
    "half a surrogate pair in YAML": b'name: "\\ud800"\nsteps: []\n',
    "half a surrogate pair in JSON": b'{"loop_id": "\\ud800", "field": "caption_en", "value": "\\udfff"}\n',
    "half a surrogate pair in a task": b'[{"data": {"loop_id": "\\ud800"}, "annotations": []}]',
    "half a surrogate pair in a cell": _row('"""\\ud800"""', "caption_en"),
    "a list where a map belongs": b"- a\n- b\n",
    "a map where a list belongs": b"{name: n, steps: {a: 1}}",
    "a text where a list belongs": b"name: n\nsteps: all of them\n",
    "a list as a name": b"name: [a]\nsteps: [[[]]]\n",
    "JSON: a list": b"[1, 2, [3]]",
    "JSON: a text": b'"text"',
    "JSON: null": b"null",
    "JSON: NaN": b'{"loop_id": "L", "field": "quality", "value": NaN, "steps": [Infinity]}',
    "JSON: beyond all numbers": b'{"loop_id": "L", "field": "quality", "value": 1e999}',
    "JSON: a key twice": b'{"loop_id": "L", "loop_id": "M", "field": "quality", "value": 1}',
    "JSON: cut off": json.dumps({"name": "n", "steps": [1, 2, 3]}).encode()[:-3],
    "a list as a key": b"? [a, b]\n: c\n",
    "a key twice": b"name: a\nname: b\nsteps: []\n",
    "a tag that runs": b"name: !!python/object/apply:os.system ['true']\nsteps: []\n",
    "a tag of a day": b"name: !!timestamp 2026-13-45\nsteps: []\n",
    "numbers beyond all": _step("rule: swing\n    percent: 1e999\n    grid: .inf"),
    "a rule with lists": _step("rule: swing\n    percent: [1, 2]\n    grid: {a: 1}"),
    "a rule for nobody": _step("rule: technique\n    code: [a]\n    only: {drums: 1}"),
    "a key that is none": _step("rule: key\n    key: [E, minor]"),
    "a groove that is none": _step("rule: groove\n    template: {name: 1, meter: 99999999/4, grid: 16,"
                                   " offset_tick: [], velocity: {all: [1e400]}}"),
    "a groove of a file": _step("rule: groove\n    template: ../../../../etc/passwd"),
    "a groove as JSON": json.dumps({"name": "n", "meter": "1/99999999999", "grid": "16", "offset_tick": {"all": []},
                                    "velocity": {"all": ["a"]}}).encode(),
    "a thousand steps": b"name: n\nsteps:\n" + b"  - {rule: straighten}\n" * 1000,
    "sixty thousand values": b"[" + b"a," * 60_000 + b"]",
    "tags of a list": b"songs/a.mid: [1, 2]\nsongs/b.mid: {mood: {a: 1}, intensity: [x]}\n",
    "tags with a deep mood": b"a.mid: {mood: " + b"[" * 500 + b"]" * 500 + b"}\n",
    "settings of other types": b'{"soundfont": [], "language": {}, "audio_cache_mb": 1e9, "rater": 3}',
    "a task that is none": b'[{"data": [], "annotations": {"result": 3}}, 7, null]',
    "a task with odd values": json.dumps([{"data": {"loop_id": ["L"]}, "annotations": [{"result": [
        {"from_name": ["a"], "type": "choices", "value": {"choices": []}, "meta": 3}]}]}]).encode(),
    "markup": b"<script>alert(1)</script>\x1b[2J\x00=cmd|' /C calc'!A0\n",
    "a MIDI header alone": b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0",
    "a MIDI file of endless time": _ENDLESS,
}  # fmt: skip
NO_PLAIN_TEXT = (
    *("empty", "one byte", "noise", "only NUL", "zip bomb", "a MIDI header alone", "a MIDI file of endless time"),
    *("alias bomb", "deep JSON", "6,000 digits", "an over-long line", "markup"),
)
"""Those that differ to a reader of MIDI or archives."""
