"""The source as `floor_plan.py` reads it: every file parsed once, with its imports, functions and classes."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

FOLDERS = ("composer_core", "studio", "pages", "benchmarks", "scripts", "tests")
PRODUCT = ("composer_core", "studio", "pages", "app")
"""What a user runs; the rest of the folders tests, measures and checks it."""
BARE_IMPORTS = {
    "tests": ("tests.", "tests.support."),
    "benchmarks": ("benchmarks.",),
    "scripts": ("scripts.",),
}
"""Where the files of a folder look for a module that they import without naming the folder."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that breaks the plan, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Import:
    """One imported name: what it may refer to (the likeliest first), and whether only the type checker sees it."""

    targets: tuple[str, ...]
    line: int
    typing_only: bool


@dataclass(frozen=True)
class Module:
    """One parsed file."""

    name: str
    path: str
    lines: int
    syntax: ast.Module
    imports: tuple[Import, ...]
    functions: tuple[Function, ...]

    @property
    def room(self) -> str:
        """The first part of the dotted name."""
        return self.name.partition(".")[0]

    @property
    def is_package(self) -> bool:
        """Whether this is an `__init__.py`."""
        return PurePosixPath(self.path).name == "__init__.py"


@dataclass(frozen=True)
class Tree:
    """All files below the checked folders, and findings for those that could not be parsed."""

    root: Path
    modules: Mapping[str, Module]
    broken: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path) -> Tree:
        """Parse every file once."""
        modules: dict[str, Module] = {}
        broken: list[Finding] = []
        paths = [*root.glob("*.py"), *(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))]
        for path in sorted(paths):
            name = path.relative_to(root).as_posix()
            try:
                module = parse(name, path.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError) as error:
                line = error.lineno if isinstance(error, SyntaxError) else None
                broken.append(Finding(name, line or 1, f"this file cannot be parsed: {error}"))
            else:
                modules[module.name] = module
        return cls(root, modules, broken)

    @property
    def product(self) -> Iterator[Module]:
        """The modules that are not there to test, measure or check others."""
        return (module for module in self.modules.values() if module.room in PRODUCT)

    def found(self, importer: Module, imported: Import) -> str | None:
        """The module of this tree that an import refers to, None for one from elsewhere."""
        for target in imported.targets:
            for prefix in ("", *BARE_IMPORTS.get(importer.room, ())):
                if prefix + target in self.modules:
                    return prefix + target
        return None

    def edges(self, *, typing_too: bool) -> dict[str, dict[str, int]]:
        """For each module the modules that it imports, each with the first line that does."""
        edges: dict[str, dict[str, int]] = {name: {} for name in self.modules}
        for name, module in self.modules.items():
            for imported in module.imports:
                target = self.found(module, imported) if typing_too or not imported.typing_only else None
                if target:
                    edges[name].setdefault(target, imported.line)
        return edges

    @cached_property
    def importers(self) -> dict[str, set[str]]:
        """For each module the modules of the product that import it, if only for type checking."""
        importers: dict[str, set[str]] = defaultdict(set)
        for module in self.product:
            for imported in module.imports:
                target = self.found(module, imported)
                if target:
                    importers[target].add(module.name)
        return importers

    def packages(self, module: Module) -> set[str]:
        """The third-party packages that a module imports itself."""
        outside = [imported for imported in module.imports if not self.found(module, imported)]
        names = {target.partition(".")[0] for imported in outside for target in imported.targets}
        return names - sys.stdlib_module_names - {*FOLDERS, *PRODUCT}


def parse(path: str, text: str) -> Module:
    """One file with its imports and its functions, those inside others included."""
    *package, stem = PurePosixPath(path).with_suffix("").parts
    name = ".".join(package if stem == "__init__" else [*package, stem])
    syntax = ast.parse(text, filename=path)
    imports: list[Import] = []
    functions: list[Function] = []
    for node, typing_only in statements(syntax.body, nested=True):
        if isinstance(node, Function):
            functions.append(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports += [Import(targets, node.lineno, typing_only) for targets in targets_of(node, package)]
    return Module(name, path, len(text.splitlines()), syntax, tuple(imports), tuple(functions))


def targets_of(node: ast.Import | ast.ImportFrom, package: list[str]) -> Iterator[tuple[str, ...]]:
    """What each imported name may refer to: a submodule comes before a name in the package of the same path."""
    if isinstance(node, ast.Import):
        yield from ((alias.name,) for alias in node.names)
        return
    above = package[: len(package) - node.level + 1] if node.level else []
    origin = ".".join([*above, *([node.module] if node.module else [])])
    yield from ((f"{origin}.{alias.name}", origin) for alias in node.names)


def statements(body: Iterable[ast.AST], *, nested: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every statement in the order of the file, with whether only the type checker sees it. Blocks such as `if` and
    `try` are entered, functions and classes only where `nested` says so."""
    waiting = [(node, False) for node in body][::-1]
    while waiting:
        node, typing_only = waiting.pop()
        yield node, typing_only
        if isinstance(node, Function | ast.ClassDef) and not nested:
            continue
        guards = isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING"
        inner = [
            (below, typing_only or (guards and block == "body")) for block in BLOCKS for below in within(node, block)
        ]
        waiting += inner[::-1]


def within(node: ast.AST, block: str) -> list[ast.AST]:
    """The statements in one block of a statement, which may not have such a block."""
    found: list[ast.AST] = getattr(node, block, [])
    return found


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name: `Any` for both `Any` and `typing.Any`; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def is_public(name: str) -> bool:
    """Whether a name is open to other modules; `__init__` and its like are."""
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))
