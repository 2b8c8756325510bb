"""Genre as a weighted set of codes on two levels: family ('funk') and sub-style ('funk-purdieshuffle')."""

from __future__ import annotations

from collections.abc import Mapping

from composer_core.errors import InvalidValue, require_range

FAMILIES = (
    "rock",
    "pop",
    "jazz",
    "funk",
    "soul",
    "blues",
    "latin",
    "afro",
    "reggae",
    "hiphop",
    "electronic",
    "country",
    "folk",
    "classical",
    "game",
)
_WEIGHT_TOLERANCE = 1e-6


def parse_genre(text: str) -> dict[str, float]:
    """Read 'funk' or 'funk=0.7,jazz=0.3' into weights that add up to 1; InvalidValue otherwise."""
    weights: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, separator, number = part.partition("=")
        try:
            weights[name.strip()] = float(number) if separator else 1.0
        except ValueError as error:
            raise InvalidValue(
                "bad_format", name="genre", value=text, expected="a genre or weights such as funk=0.7,jazz=0.3"
            ) from error
    check_genre(weights)
    return weights


def check_genre(weights: Mapping[str, float]) -> None:
    """Raise InvalidValue for an unknown family, a weight outside 0..1 or a sum other than 1."""
    for code, weight in weights.items():
        if family_of(code) not in FAMILIES:
            raise InvalidValue("unknown_choice", name="genre", value=code, choices=", ".join(FAMILIES))
        require_range(f"weight of genre {code}", weight, 0.0, 1.0)
    if weights and abs(sum(weights.values()) - 1.0) > _WEIGHT_TOLERANCE:
        raise InvalidValue("bad_weights", name="genre", value=dict(weights))


def family_of(code: str) -> str:
    """The family of a family or sub-style code: 'funk-purdieshuffle' gives 'funk'."""
    return code.split("-", 1)[0]


def family_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Sub-style weights added up to their families."""
    total: dict[str, float] = {}
    for code, weight in weights.items():
        total[family_of(code)] = total.get(family_of(code), 0.0) + weight
    return total
