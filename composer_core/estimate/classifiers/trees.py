"""Boosted trees as LightGBM writes them, evaluated with numpy alone.

The reader processes of an import score every loop; this costs them neither LightGBM's half
second to load nor its memory. A test holds the two to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import ModelError

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
_CHUNK_CELLS = 400_000
_DEFAULT_LEFT, _MISSING_SHIFT, _MISSING_NAN = 2, 2, 2


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """An ensemble as flat arrays with one entry a node.

    Leaves point at themselves, so that walking on from one changes nothing. `text` is what
    LightGBM reads, for explanations.
    """

    text: str
    names: tuple[str, ...]
    root: IndexArray
    feature: IndexArray
    threshold: FloatArray
    missing_left: NDArray[np.bool_]
    missing_is_zero: NDArray[np.bool_]
    left: IndexArray
    right: IndexArray
    value: FloatArray
    depth: int

    @classmethod
    def parse(cls, text: str, path: str) -> Trees:
        """Out of LightGBM's text; ModelError names `path` when it is no such text."""
        try:
            return _parse(text)
        except (KeyError, ValueError, IndexError) as error:
            raise ModelError("damaged_model", path=path, reason=f"{type(error).__name__} {error}") from error

    def raw(self, rows: FloatArray) -> FloatArray:
        """Sum of the trees (log odds) for each row; columns in the order of `names`, NaN where undefined."""
        n_a_chunk = max(1, _CHUNK_CELLS // len(self.root))
        parts = [self._raw(rows[start : start + n_a_chunk]) for start in range(0, len(rows), n_a_chunk)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _raw(self, rows: FloatArray) -> FloatArray:
        node = np.tile(self.root, (len(rows), 1))
        index = np.arange(len(rows))[:, None]
        undefined = np.isnan(rows)
        filled = np.where(undefined, 0.0, rows)
        any_undefined = bool(undefined.any())
        for _ in range(self.depth):
            feature = self.feature[node]
            goes_left = filled[index, feature] <= self.threshold[node]
            if any_undefined:
                missing = undefined[index, feature] & ~self.missing_is_zero[node]
                goes_left = np.where(missing, self.missing_left[node], goes_left)
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node].sum(axis=1))


_FIELDS = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")


def _parse(text: str) -> Trees:
    head, *blocks = text.split("\nTree=")
    names = tuple(_lines(head)["feature_names"].split())
    rows: dict[str, list[str]] = {name: [] for name in _FIELDS}
    counts = []
    for block in blocks:
        fields = _lines(block.partition("\n\n")[0])
        counts.append(len(fields["leaf_value"].split()))
        for name in _FIELDS if counts[-1] > 1 else ("leaf_value",):
            rows[name].append(fields[name])
    # All trees of a field at once: for a tree alone, the conversion costs more than the few numbers in it.
    columns = {name: np.array([float(word) for word in " ".join(row).split()]) for name, row in rows.items()}
    return _lay_out(text, names, np.array(counts, dtype=np.int64), columns)


def _lines(block: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in block.split("\n"))


def _lay_out(text: str, names: tuple[str, ...], n_leaves: IndexArray, columns: dict[str, FloatArray]) -> Trees:
    """Each tree's inner nodes first, then its leaves, which LightGBM numbers -1, -2, ..."""
    n_inner, size = n_leaves - 1, 2 * n_leaves - 1
    if not len(size) or any(len(columns[name]) != n_inner.sum() for name in _FIELDS[:-1]):
        raise ValueError("no trees, or fields that differ in length")
    root = np.cumsum(size) - size
    tree = np.repeat(np.arange(len(size)), size)
    own = np.arange(len(tree), dtype=np.int64)
    is_inner = own < (root + n_inner)[tree]
    inner = own[is_inner]
    first, first_leaf, end = (start[tree[inner]] for start in (root, root + n_inner, root + size))
    left, right = own.copy(), own.copy()
    for side, name in ((left, "left_child"), (right, "right_child")):
        child = columns[name].astype(np.int64)
        side[inner] = np.where(child < 0, first_leaf - child - 1, first + child)
        # LightGBM numbers children after their parents; a walk around a circle would never end.
        if not ((inner < side[inner]) & (side[inner] < end) & (child < first_leaf - first)).all():
            raise ValueError(f"{name} before its parent or outside its tree")
    kind = _spread(columns["decision_type"], is_inner).astype(np.int64)
    return Trees(
        text=text,
        names=names,
        root=root,
        feature=_spread(columns["split_feature"], is_inner).astype(np.int64),
        threshold=_spread(columns["threshold"], is_inner),
        missing_left=(kind & _DEFAULT_LEFT) > 0,
        missing_is_zero=(kind >> _MISSING_SHIFT & 3) != _MISSING_NAN,
        left=left,
        right=right,
        value=_spread(columns["leaf_value"], ~is_inner),
        depth=_depth(left, right, root),
    )


def _spread(values: FloatArray, where: NDArray[np.bool_]) -> FloatArray:
    """The values where they belong, zeros elsewhere."""
    spread = np.zeros(len(where))
    spread[where] = values
    return spread


def _depth(left: IndexArray, right: IndexArray, root: IndexArray) -> int:
    """Levels of the deepest tree: how many steps lead from a root to a leaf, at least 1."""
    depth, nodes = 0, root
    while len(nodes):
        below = np.concatenate((left[nodes], right[nodes]))
        nodes = below[left[below] != below]
        depth += 1
    return depth
