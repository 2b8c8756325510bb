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


def _parse(text: str) -> Trees:
    head, *blocks = text.split("\nTree=")
    names = _field(head, "feature_names").split()
    columns: dict[str, list[FloatArray]] = {
        key: [] for key in ("feature", "threshold", "kind", "left", "right", "value")
    }
    roots, start, depth = [], 0, 1
    for block in blocks:
        tree = _tree(block.split("\n\n")[0], start)
        for key, values in tree.items():
            columns[key].append(values)
        roots.append(start)
        depth = max(depth, _depth(tree["left"] - start, tree["right"] - start))
        start += len(tree["value"])
    flat = {key: np.concatenate(values) for key, values in columns.items()}
    kind = flat["kind"].astype(np.int64)
    return Trees(
        text=text,
        names=tuple(names),
        root=np.array(roots, dtype=np.int64),
        feature=flat["feature"].astype(np.int64),
        threshold=flat["threshold"],
        missing_left=(kind & _DEFAULT_LEFT) > 0,
        missing_is_zero=(kind >> _MISSING_SHIFT & 3) != _MISSING_NAN,
        left=flat["left"].astype(np.int64),
        right=flat["right"].astype(np.int64),
        value=flat["value"],
        depth=depth,
    )


def _tree(block: str, start: int) -> dict[str, FloatArray]:
    """Inner nodes first, then leaves, which LightGBM numbers -1, -2, ..."""
    leaf = _numbers(block, "leaf_value")
    n_inner = len(leaf) - 1
    inner = {
        key: _numbers(block, name) if n_inner else np.empty(0)
        for key, name in (
            ("feature", "split_feature"), ("threshold", "threshold"), ("kind", "decision_type"),
            ("left", "left_child"), ("right", "right_child"),
        )
    }  # fmt: skip
    own = start + n_inner + np.arange(len(leaf), dtype=np.float64)
    zeros = np.zeros(len(leaf))
    found = {key: np.append(inner[key], zeros) for key in ("feature", "threshold", "kind")}
    for side in ("left", "right"):
        child = inner[side]
        found[side] = np.append(np.where(child < 0, start + n_inner - child - 1, start + child), own)
    return {**found, "value": np.append(np.zeros(n_inner), leaf)}


def _depth(left: FloatArray, right: FloatArray) -> int:
    """Levels of a tree; children come after their parents in LightGBM's order."""
    level = np.zeros(len(left), dtype=np.int64)
    for node, children in enumerate(zip(left.astype(int), right.astype(int), strict=True)):
        for child in children:
            if child != node:
                level[child] = level[node] + 1
    return max(1, int(level.max()))


def _field(block: str, name: str) -> str:
    line = next((line for line in block.splitlines() if line.startswith(f"{name}=")), None)
    if line is None:
        raise KeyError(name)
    return line.partition("=")[2]


def _numbers(block: str, name: str) -> FloatArray:
    return np.array([float(word) for word in _field(block, name).split()])
