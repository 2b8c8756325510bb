"""Drums: ghosts, layers, balance of the kit, fills, kick, backbeat, hats."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.grid import backbeat_ticks
from composer_core.metrics.metric import Metric
from composer_core.music.drums import CYMBAL_ROLES, ROLES, TIMEKEEPER_ROLES

NAN = math.nan
GHOST_VELOCITY = 45
"""Snare notes below this are ghost notes."""
COLLISION_MS = 10.0
_KICK, _SNARE, _CLOSED, _OPEN = (ROLES.index(role) for role in ("kick", "snare", "closed_hat", "open_hat"))
_TOMS = [ROLES.index(role) for role in ("low_tom", "mid_tom", "high_tom")]
_TIMEKEEPERS = [ROLES.index(role) for role in TIMEKEEPER_ROLES]
_IS_CYMBAL = np.array([role in CYMBAL_ROLES for role in (*ROLES, "percussion")])
_COLLISION_CLASS = np.array([{"kick": 1, "snare": 2, "closed_hat": 4, "open_hat": 4}.get(r, 0) for r in (*ROLES, "")])
_FILL_STROKES = 3
_EPSILON = 1e-12


def on_backbeat(a: Analysis) -> NDArray[np.bool_]:
    """True where a note lies on a backbeat slot."""
    flags = np.zeros(a.slots_a_bar, dtype=np.bool_)
    for tick in backbeat_ticks(a.meter):
        flags[tick // a.step_tick] = True
    return flags[a.slot_in_bar]


def ghost_rate(a: Analysis, threshold: int = GHOST_VELOCITY) -> float:
    """Share of snare notes below the threshold (45) that are not on a backbeat. NaN without snare."""
    snare = a.role == _SNARE
    count = np.count_nonzero(snare)
    if not count:
        return NAN
    return np.count_nonzero(snare & (a.velocity < threshold) & ~on_backbeat(a)) / count


def drum_collision_rate(a: Analysis) -> float:
    """Of the clusters (gaps of at most 10 ms) of kick, snare and hats, the share with two or more kinds.

    Open and closed hat are one kind. NaN without any of them.
    """
    kind = _COLLISION_CLASS[a.role]
    position, kind = a.position[kind > 0], kind[kind > 0]
    if not len(position):
        return NAN
    limit = COLLISION_MS / a.ms_a_tick
    gap = np.empty(len(position))
    gap[1:] = position[1:] - position[:-1]
    gap[0] = position[0] - (position[-1] - a.length_tick)
    first = np.flatnonzero(gap > limit)
    if not len(first):
        return float(len(np.unique(kind)) > 1)
    turned = np.concatenate((kind[first[0] :], kind[: first[0]]))
    kinds = np.bitwise_or.reduceat(turned, first - first[0])
    return np.count_nonzero(kinds & (kinds - 1)) / len(kinds)


def _role_slots(a: Analysis) -> NDArray[np.float64]:
    """Rows of 0 and 1 over the slots, one a role that plays."""
    rows = np.zeros((len(ROLES) + 1, a.n_slots))
    rows[a.role, a.slot] = 1.0
    rows = rows[: len(ROLES)]
    return rows[rows.any(axis=1)]


def role_separation(a: Analysis) -> float:
    """1 - mean over pairs of roles of the co-firing beyond chance.

    Co-firing of i and j: (p_ij - p_i p_j) / (min(p_i, p_j) - p_i p_j), at least 0, p the shares
    of slots where they play: 0 independent or avoiding, 1 one never without the other. A
    pair with a role on every slot counts 0. NaN with fewer than two roles.
    """
    rows = _role_slots(a)
    count = len(rows)
    if count < 2:
        return NAN
    together = rows @ rows.T / a.n_slots
    share = together.diagonal()
    chance = share[:, None] * share[None, :]
    room = np.minimum(share[:, None], share[None, :]) - chance
    beyond = np.where(room > _EPSILON, (together - chance) / np.maximum(room, _EPSILON), 0.0)
    beyond = np.minimum(np.maximum(beyond, 0.0), 1.0)
    return 1.0 - float(beyond.sum() - beyond.diagonal().sum()) / (count * (count - 1))


def role_balance(a: Analysis) -> float:
    """Gini-Simpson index 1 - sum p^2 of the roles' shares of the notes; 0 one role, 8/9 all nine alike.

    NaN without any of the nine roles.
    """
    counts = np.bincount(a.role, minlength=len(ROLES) + 1)[: len(ROLES)]
    total = int(counts.sum())
    return 1.0 - float(np.square(counts / total).sum()) if total else NAN


def fill_rate(a: Analysis) -> float:
    """Share of the beats that are played as a fill.

    A fill beat holds a tom, or three slots of snare (velocity 45 or more), and more slots of
    snare or toms than of hats and ride. On Groove MIDI loops of fill takes have a higher rate
    than loops of beat takes with an AUC of 0.80. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    rows = np.zeros((len(ROLES) + 1, a.n_slots), dtype=np.bool_)
    heard = (a.role != _SNARE) | (a.velocity >= GHOST_VELOCITY)
    rows[a.role[heard], a.slot[heard]] = True
    toms = rows[_TOMS].any(axis=0)
    fill = toms | rows[_SNARE]
    starts = np.arange(0, a.n_slots, max(1, a.meter.beat_tick // a.step_tick))
    n_fill, n_toms, n_keeping = (
        np.add.reduceat(flags, starts, dtype=np.int64) for flags in (fill, toms, rows[_TIMEKEEPERS].any(axis=0))
    )
    filled = ((n_fill >= _FILL_STROKES) | (n_toms > 0)) & (n_fill > n_keeping)
    return np.count_nonzero(filled) / len(starts)


def kick_on_beat_rate(a: Analysis) -> float:
    """Share of kick notes on a beat of the metre. NaN without kick."""
    kick = a.role == _KICK
    count = np.count_nonzero(kick)
    return np.count_nonzero(kick & a.on_beat) / count if count else NAN


def backbeat_rate(a: Analysis) -> float:
    """Share of the backbeats (grid.backbeat_ticks) with a snare of velocity 45 or more.

    NaN without notes and in metres of one beat.
    """
    places = len(backbeat_ticks(a.meter)) * a.loop.bars
    if not a.n_notes or not places:
        return NAN
    struck = (a.role == _SNARE) & (a.velocity >= GHOST_VELOCITY) & on_backbeat(a)
    return len(set(a.slot[struck].tolist())) / places


def hat_openness(a: Analysis) -> float:
    """Share of hi-hat notes that are open. NaN without hats."""
    opened = np.count_nonzero(a.role == _OPEN)
    hats = opened + np.count_nonzero(a.role == _CLOSED)
    return opened / hats if hats else NAN


def cymbal_rate(a: Analysis) -> float:
    """Share of the notes on hats, ride and crash: how bright the kit sounds. NaN without notes."""
    return np.count_nonzero(_IS_CYMBAL[a.role]) / a.n_notes if a.n_notes else NAN


_DESIGN = "definition of this project"
_DRUMS = ("drums",)
METRICS: tuple[Metric, ...] = (
    Metric("ghost_rate", "drums", ghost_rate, "share", 0.0, 1.0, _DESIGN, "Ghost notes", "ゴーストノートの割合",
           "The share of snare notes that are soft and off the backbeat.",
           "スネアのうち、バックビート以外の弱い音（ゴーストノート）の割合。", _DRUMS),
    Metric("drum_collision_rate", "drums", drum_collision_rate, "share", 0.0, 1.0, _DESIGN,
           "Layered hits", "同時打ちの割合",
           "How often kick, snare and hats are struck together (within 10 ms).",
           "キック、スネア、ハイハットが同時（10 ms以内）に鳴る割合。", _DRUMS),
    Metric("role_separation", "drums", role_separation, "", 0.0, 1.0, _DESIGN,
           "Separation of pieces", "楽器の住み分け",
           "How far the pieces of the kit keep out of each other's way, beyond chance.",
           "キットの各楽器が偶然以上に重ならず住み分けている度合い。", _DRUMS),
    Metric("role_balance", "drums", role_balance, "", 0.0, 8 / 9, "Simpson 1949",
           "Balance of the kit", "キットのバランス",
           "How evenly the notes are spread over the pieces of the kit.",
           "音がキットの各楽器にどれだけ均等に配られているか。", _DRUMS),
    Metric("fill_rate", "drums", fill_rate, "share", 0.0, 1.0, _DESIGN, "Fills", "フィルの割合",
           "The share of beats played as a fill on snare and toms.",
           "スネアやタムのフィルになっている拍の割合。", _DRUMS),
    Metric("kick_on_beat_rate", "drums", kick_on_beat_rate, "share", 0.0, 1.0, _DESIGN,
           "Kick on the beat", "キックの拍頭率",
           "The share of kicks that fall on a beat; 1 in four on the floor.",
           "キックのうち拍の頭に来る割合。4つ打ちなら1。", _DRUMS),
    Metric("backbeat_rate", "drums", backbeat_rate, "share", 0.0, 1.0, _DESIGN, "Backbeat", "バックビート",
           "The share of backbeats (2 and 4) with a snare.",
           "2拍目と4拍目（バックビート）にスネアが入る割合。", _DRUMS),
    Metric("hat_openness", "drums", hat_openness, "share", 0.0, 1.0, _DESIGN, "Open hats", "オープンハットの割合",
           "The share of hi-hat notes played open.",
           "ハイハットのうちオープンで叩く割合。", _DRUMS),
    Metric("cymbal_rate", "drums", cymbal_rate, "share", 0.0, 1.0, _DESIGN, "Cymbals", "シンバルの割合",
           "The share of notes on hats, ride and crash: how bright the kit sounds.",
           "ハイハット、ライド、クラッシュの割合。キットの響きの明るさを表す。", _DRUMS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
