"""Read a YAML file strictly: plain mappings, lists and scalars, and every error names its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from composer_core.errors import StoreError
from composer_core.store.plain_text import MAX_BYTES, BadText, decoded, yaml_nodes


class YamlFile:
    """A YAML file as nodes with line numbers, without references and tags (see `plain_text`).

    Raises StoreError `bad_vocabulary` for a file that is missing, too large, no UTF-8 or no YAML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            root = yaml_nodes(decoded(path.read_bytes(), MAX_BYTES))
        except OSError as error:
            raise StoreError("bad_vocabulary", path=str(path), line=0, reason=error.strerror or str(error)) from error
        except BadText as error:
            raise self.error(error.line, error.reason) from error
        if root is None:
            raise self.error(1, "the file is empty")
        self.root: yaml.Node = root

    def error(self, where: yaml.Node | int, reason: str) -> StoreError:
        """The error to raise for a node (or line) of this file."""
        line = where if isinstance(where, int) else where.start_mark.line + 1
        return StoreError("bad_vocabulary", path=str(self.path), line=line, reason=reason)

    def location(self, node: yaml.Node) -> str:
        """File and line of a node, in words."""
        return f"{self.path}, line {node.start_mark.line + 1}"

    def entries(self, node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Key, key node and value node of a mapping; a key given twice is an error."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, "expected a mapping (key: value)")
        seen: set[str] = set()
        for key_node, value in node.value:
            key = self.text(key_node)
            if key in seen:
                raise self.error(key_node, f"{key!r} is given twice")
            seen.add(key)
            yield key, key_node, value

    def mapping(self, node: yaml.Node, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
        """A mapping that holds these keys, perhaps the optional ones, and no others."""
        found: dict[str, yaml.Node] = {}
        for key, key_node, value in self.entries(node):
            if key not in keys and key not in optional:
                raise self.error(key_node, f"unknown key {key!r}; known are {', '.join((*keys, *optional))}")
            found[key] = value
        missing = [key for key in keys if key not in found]
        if missing:
            raise self.error(node, f"{', '.join(missing)} is missing")
        return found

    def text(self, node: yaml.Node) -> str:
        """A non-empty scalar, as written."""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.error(node, "expected a word")
        return str(node.value)

    def number(self, node: yaml.Node, low: float, high: float) -> float:
        """A number within bounds."""
        try:
            value = float(self.text(node))
        except ValueError as error:
            raise self.error(node, f"{node.value!r} is no number") from error
        if not low <= value <= high:
            raise self.error(node, f"{value} must lie between {low} and {high}")
        return value

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        """The nodes of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, "expected a list of words")
        return list(node.value)

    def strings(self, node: yaml.Node) -> tuple[str, ...]:
        """A list of words."""
        return tuple(self.text(item) for item in self.items(node))
