"""The kit as an ensemble: how much each piece plays, which return in the next bar, and what two hands can do."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.cells import following
from composer_core.metrics.metric import Metric
from composer_core.metrics.spread import entropy_bits
from composer_core.music.drum_maps import DRUM_MAPS
from composer_core.music.drums import ROLES, TIMEKEEPER_ROLES

NAN = math.nan
_KICK, _SNARE, _CRASH = (ROLES.index(role) for role in ("kick", "snare", "crash"))
_TIMEKEEPERS = [ROLES.index(role) for role in TIMEKEEPER_ROLES]
_HANDS = [index for index, role in enumerate(ROLES) if role != "kick"]
_TWO_HANDS = 2


def _share(*roles: str) -> Callable[[Analysis], float]:
    wanted = np.isin(np.arange(len(ROLES) + 1), [ROLES.index(role) for role in roles])

    def read(a: Analysis) -> float:
        return np.count_nonzero(wanted[a.role]) / a.n_notes if a.n_notes else NAN

    read.__doc__ = f"Share of the notes on {', '.join(roles)}. NaN without notes."
    return read


kick_share = _share("kick")
snare_share = _share("snare")
hat_share = _share("closed_hat", "open_hat")
ride_share = _share("ride")
tom_share = _share("low_tom", "mid_tom", "high_tom")
crash_share = _share("crash")


def kit_change(a: Analysis) -> float:
    """Largest difference (half the summed difference of the roles' shares) of neighbouring bars with notes.

    0 when every bar spreads its notes alike, 1 when two neighbours have no role in common.
    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    count = a.cells.count.sum(axis=2)
    count = count[:, count.sum(axis=0) > 0]
    share = count / count.sum(axis=0)
    return float(np.abs(share - np.concatenate((share[:, 1:], share[:, :1]), axis=1)).sum(axis=0).max()) / 2


def hands_over_rate(a: Analysis) -> float:
    """Share of the used slots where more than two things are struck by hand (all but kick and pedal hat).

    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    hands = ~np.isin(a.pitch, DRUM_MAPS[a.loop.drum_map].pedals)
    rows = np.zeros((len(ROLES) + 1, a.n_slots), dtype=np.bool_)
    rows[a.role[hands], a.slot[hands]] = True
    return np.count_nonzero(rows[_HANDS].sum(axis=0) > _TWO_HANDS) / len(a.used_slots)


def kick_downbeat_rate(a: Analysis) -> float:
    """Share of the bars whose first slot has a kick. NaN without notes."""
    return np.count_nonzero(a.cells.played[_KICK, :, 0]) / a.loop.bars if a.n_notes else NAN


def kick_snare_rate(a: Analysis) -> float:
    """Of the slots with kick or snare the share that has both. NaN without either."""
    if not a.n_notes:
        return NAN
    kick, snare = a.cells.played[_KICK], a.cells.played[_SNARE]
    either = np.count_nonzero(kick | snare)
    return np.count_nonzero(kick & snare) / either if either else NAN


def crash_with_kick_rate(a: Analysis) -> float:
    """Of the slots with a crash the share that has a kick or snare beneath. NaN without crash."""
    if not a.n_notes:
        return NAN
    played = a.cells.played
    crashes = np.count_nonzero(played[_CRASH])
    return np.count_nonzero(played[_CRASH] & (played[_KICK] | played[_SNARE])) / crashes if crashes else NAN


def timekeeper_entropy(a: Analysis) -> float:
    """Shannon entropy in bits of the gaps in slots between strokes of hats and ride, longest one bar.

    The gap across the seam counts. NaN without hats and ride.
    """
    if not a.n_notes:
        return NAN
    used = np.flatnonzero(a.cells.played[_TIMEKEEPERS].any(axis=0))
    if not len(used):
        return NAN
    gaps = np.append(used[1:], used[0] + a.n_slots) - used
    return entropy_bits(np.bincount(np.minimum(gaps, a.slots_a_bar)))


def timekeeper_repetition(a: Analysis) -> float:
    """Of the places of hats and ride in two neighbouring bars the share that both have.

    Common places over places of either, summed over neighbouring bars, the first after the last
    (Jaccard). NaN without hats and ride.
    """
    if not a.n_notes:
        return NAN
    played = np.asarray(a.cells.played[_TIMEKEEPERS].any(axis=0))[None]
    n_played = np.count_nonzero(played)
    if not n_played:
        return NAN
    n_common = np.count_nonzero(played & following(played))
    return n_common / (2 * n_played - n_common)


_DESIGN = "definition of this project"
_DRUMS = ("drums",)


def _share_row(name: str, read: Callable[[Analysis], float], what_en: str, what_ja: str) -> Metric:
    return Metric(name, "drums", read, "share", 0.0, 1.0, _DESIGN, f"Share of {what_en}", f"{what_ja}の比率",
                  f"The share of all notes that are played on {what_en}.",
                  f"全体のうち{what_ja}の音が占める割合。", _DRUMS)  # fmt: skip


METRICS: tuple[Metric, ...] = (
    _share_row("kick_share", kick_share, "kick", "キック"),
    _share_row("snare_share", snare_share, "snare", "スネア"),
    _share_row("hat_share", hat_share, "hi-hat", "ハイハット"),
    _share_row("ride_share", ride_share, "ride", "ライド"),
    _share_row("tom_share", tom_share, "toms", "タム"),
    _share_row("crash_share", crash_share, "crash", "クラッシュ"),
    Metric("kit_change", "drums", kit_change, "", 0.0, 1.0, _DESIGN,
           "Change of kit", "楽器構成の変化",
           "How much the mixture of pieces changes from one bar to the next at most.",
           "小節間で楽器の使い方がいちばん大きく変わる度合い。", _DRUMS),
    Metric("hands_over_rate", "drums", hands_over_rate, "share", 0.0, 1.0, _DESIGN,
           "More than two hands", "両手で叩けない割合",
           "The share of strokes that would need a third hand.",
           "腕が3本ないと叩けない瞬間の割合。", _DRUMS),
    Metric("kick_downbeat_rate", "drums", kick_downbeat_rate, "share", 0.0, 1.0, _DESIGN,
           "Kick on the downbeat", "小節頭のキック",
           "The share of bars that begin with a kick.",
           "キックで始まる小節の割合。", _DRUMS),
    Metric("kick_snare_rate", "drums", kick_snare_rate, "share", 0.0, 1.0, _DESIGN,
           "Kick and snare together", "キックとスネアの同時打ち",
           "How often kick and snare are struck together.",
           "キックとスネアが同時に鳴る割合。", _DRUMS),
    Metric("crash_with_kick_rate", "drums", crash_with_kick_rate, "share", 0.0, 1.0, _DESIGN,
           "Crash with kick or snare", "クラッシュの支え",
           "How often a crash has a kick or snare beneath it.",
           "クラッシュと同時にキックかスネアが鳴る割合。", _DRUMS),
    Metric("timekeeper_entropy", "drums", timekeeper_entropy, "bits", 0.0, 12.0, "Shannon 1948",
           "Variety of hats and ride", "ハット・ライドの間隔の多様さ",
           "How varied the gaps between strokes of hats and ride are.",
           "ハイハットとライドの間隔がどれだけ多様か。", _DRUMS),
    Metric("timekeeper_repetition", "drums", timekeeper_repetition, "share", 0.0, 1.0, "Jaccard 1901",
           "Hats and ride come back", "ハット・ライドの再現性",
           "How many strokes of hats and ride come back in the next bar.",
           "ハイハットとライドの打点が次の小節でも同じ位置に現れる割合。", _DRUMS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
