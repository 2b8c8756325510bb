"""Forty strings that try to become more than a name: markup, scripts, Markdown, directives, formulas, odd signs.

Each holds a mark of its own (zq00 to zq39), and is short enough to be the name of a rater. `{n}` is its number.
"""

from __future__ import annotations

_SHAPES = (
    "<script>run({n})</script>",
    "<img src=x onerror=run({n})>",
    "<svg onload=run({n})>",
    "<b onmouseover=run({n})>b",
    "<iframe src=javascript:run({n})>",
    "<a href=javascript:run({n})>a</a>",
    '"><script>run({n})</script>',
    "'><img src=x onerror=run({n})>",
    "</textarea><svg onload=run({n})>",
    "</style><script>run({n})</script>",
    "<style>*{{display:none}}</style>",
    "<meta http-equiv=refresh content=0>",
    "<base href=//x.example>",
    "<details open ontoggle=run({n})>",
    "<input autofocus onfocus=run({n})>",
    "<math><mi href=javascript:run({n})>",
    "&lt;script&gt;run({n})&lt;script&gt;",
    "&#60;img src=x onerror=run({n})&#62;",
    "[a](javascript:run({n}))",
    "![a](http://x.example/{n}.png)",
    "[a]: javascript:run({n})",
    "<javascript:run({n})>",
    "**bold**",
    "*slanted* _slanted_",
    "`code`",
    "~~gone~~",
    "# heading",
    "- item",
    "> quoted",
    "| a | b |",
    ":red[red]",
    ":material/delete:",
    ":smile:",
    "$x^2$",
    "$$\\sum$$",
    "\\`escaped\\`",
    "{{n}} {{0}} %s %(x)s ${{x}}",
    "=1+1|'x'!A0",
    "\u202egnp.exe\u202c",
    "<ſcript>run({n})</ſcript>",
)
STRINGS = tuple(f"zq{number:02d}" + shape.format(n=number) for number, shape in enumerate(_SHAPES))
assert len(STRINGS) == 40 and max(map(len, STRINGS)) <= 40
