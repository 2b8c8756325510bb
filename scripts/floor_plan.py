"""Check the floor plan of the source: how full its folders are, what imports what, and what a name means.

Run as `python scripts/floor_plan.py [ROOT]`. It prints one line for each finding, `path:line: message`,
and exits with 1 if there is any. Two lists beside this file hold the exceptions, each with its reason:
`any_allowed.txt` (`module:qualname  package  reason`) and `small_modules.txt` (`module  reason`). An entry
that is no longer needed is a finding too, so no exception outlives its reason.
"""

from __future__ import annotations

import ast
import gc
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from source_tree import FOLDERS, Finding, Function, Module, Tree, is_public, last_name, statements

MAX_MODULES = 25
MAX_REGISTRY_MODULES = 40
FLAT_REGISTRIES = ("composer_core/metrics", "composer_core/ingest/datasets", "composer_core/cli")
"""Folders with many members of one kind, every one of which a single contract test covers."""
TYPING_MAKES_A_CIRCLE = True
"""Whether an import under `if TYPE_CHECKING:` can close a circle: who reads the one module has to read the other."""
MAX_FUNCTION_LINES = 50
MAX_FILE_LINES = 400
SMALL_MODULE_LINES = 100
MAX_SMALL_MODULES = 30
ANY_ALLOWED = "scripts/any_allowed.txt"
SMALL_MODULES = "scripts/small_modules.txt"
DATA_FORMATS = ("json", "yaml", "toml", "csv")
"""Data from a file can be checked and typed where it is read, so none of these excuses an `Any`."""
FREE_TEST_FOLDERS = ("browser", "support", "saved", "patches")
"""Folders of `tests` that mirror no folder of the source."""


def crowded_folders(tree: Tree) -> Iterator[Finding]:
    """Folders with more modules than a reader takes in at a glance."""
    paths = [PurePosixPath(module.path) for module in tree.modules.values() if not module.is_package]
    for folder, count in Counter(path.parent.as_posix() for path in paths).items():
        limit = MAX_REGISTRY_MODULES if folder in FLAT_REGISTRIES else MAX_MODULES
        if count > limit:
            yield Finding(folder, 1, f"{count} modules in one folder; at most {limit}")


def circles(tree: Tree) -> Iterator[Finding]:
    """Groups of modules that import one another, each reported as its shortest circle. An import inside a function
    counts: it delays the circle but does not end it."""
    lines = tree.edges(typing_too=TYPING_MAKES_A_CIRCLE)
    edges = {name: set(targets) for name, targets in lines.items()}
    # A module that imports nothing else of the tree is in no circle. Taking these away again and again leaves only
    # the circles and what imports them, so that the search for paths is short.
    while leaves := {name for name, targets in edges.items() if not targets}:
        edges = {name: targets - leaves for name, targets in edges.items() if name not in leaves}
    circle_of = {name: circle for name in edges if (circle := way_back(edges, name))}
    reached = {name: reachable(edges, name) for name in circle_of}
    while circle_of:
        first = min(circle_of, key=lambda name: (len(circle_of[name]), name))
        circle = circle_of[first]
        group = {name for name in circle_of if name in reached[first] and first in reached[name]}
        among = f", the shortest among {len(group)} that import one another" if len(group) >= len(circle) else ""
        message = f"circle of {len(circle) - 1} modules{among}: {' -> '.join(circle)}"
        yield Finding(tree.modules[first].path, lines[first][circle[1]], message)
        circle_of = {name: circle for name, circle in circle_of.items() if name not in group}


def reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """All modules that a module imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def way_back(edges: Mapping[str, set[str]], start: str) -> list[str]:
    """The shortest path along imports from a module back to itself, with both ends; empty if there is none."""
    paths = deque([[start]])
    seen: set[str] = set()
    while paths:
        path = paths.popleft()
        if start in edges[path[-1]]:
            return [*path, start]
        new = sorted(edges[path[-1]] - seen)
        seen.update(new)
        paths += [[*path, target] for target in new]
    return []


def doubled_classes(tree: Tree) -> Iterator[Finding]:
    """Names of public classes that mean one thing in one module and another in the next."""
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for module in tree.product:
        for node, _ in statements(module.syntax.body):
            if isinstance(node, ast.ClassDef) and is_public(node.name):
                places[node.name].setdefault(module.path, node.lineno)
    for name, lines in places.items():
        first, *others = sorted(lines)
        if others:
            also = ", ".join(f"{path}:{lines[path]}" for path in others)
            yield Finding(first, lines[first], f"class {name} has another meaning in {also}")


def long_functions(tree: Tree) -> Iterator[Finding]:
    """Functions that are too long to read at once. Those of tests may be longer."""
    for module in tree.modules.values():
        for node in module.functions if module.room != "tests" else ():
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MAX_FUNCTION_LINES:
                yield Finding(module.path, node.lineno, f"{node.name} has {count} lines; at most {MAX_FUNCTION_LINES}")


def long_files(tree: Tree) -> Iterator[Finding]:
    """Files that hold more than one thought."""
    for module in tree.modules.values():
        if module.lines > MAX_FILE_LINES:
            yield Finding(module.path, 1, f"{module.lines} lines in one file; at most {MAX_FILE_LINES}")


def any_in_signatures(tree: Tree) -> Iterator[Finding]:
    """`Any` where other modules see it: parameters, results, fields of classes, and names for types. A public name
    for a type is reported once, where it is defined; a private one in every signature that uses it. The list
    excuses only what a module owes to an untyped package that it imports itself."""
    needed: dict[str, Finding] = {}
    for module in tree.product:
        for name, line, places in untyped(module.syntax.body, {"Any"}):
            key = f"{module.name}:{name}"
            needed.setdefault(key, Finding(module.path, line, f"Any in the public {name} ({places})"))
    listed, problems = exceptions(tree, ANY_ALLOWED, "module:qualname package reason", needed)
    yield from problems
    for key, (line, given) in listed.items():
        package = given.partition(".")[0]
        if package in DATA_FORMATS or package in sys.stdlib_module_names or package in FOLDERS:
            yield Finding(ANY_ALLOWED, line, f"{given} is no third-party interface and excuses no Any")
        elif package not in tree.packages(tree.modules[key.partition(":")[0]]):
            yield Finding(ANY_ALLOWED, line, f"the module of {key} does not import {given}, so it needs no Any for it")


def untyped(body: Iterable[ast.AST], any_names: set[str], outer: str = "") -> Iterator[tuple[str, int, str]]:
    """The public things of a module or class that mention `Any`: each one's name, its line, and where in it."""
    for node, _ in statements(body):
        if isinstance(node, Function) and is_public(node.name):
            if places := ", ".join(untyped_places(node, any_names)):
                yield outer + node.name, node.lineno, places
        elif isinstance(node, ast.ClassDef) and is_public(node.name):
            yield from untyped(node.body, any_names, f"{outer}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            name = last_name(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
            is_alias = names_a_type(node) and holds_any(node.value, any_names)
            if is_alias and not is_public(name):
                any_names = {*any_names, name}
            elif is_alias:
                yield outer + name, node.lineno, "the type that it names"
            elif (
                outer and isinstance(node, ast.AnnAssign) and is_public(name) and holds_any(node.annotation, any_names)
            ):
                yield outer + name, node.lineno, "the field"


def untyped_places(function: Function, any_names: set[str]) -> Iterator[str]:
    """The parameters of a function that mention `Any`, and its result."""
    slots = function.args
    for given in (*slots.posonlyargs, *slots.args, slots.vararg, *slots.kwonlyargs, slots.kwarg):
        if given and holds_any(given.annotation, any_names):
            yield given.arg
    if holds_any(function.returns, any_names):
        yield "the result"


def names_a_type(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether an assignment may give a type another name, as in `Row = dict[str, Any]`."""
    if isinstance(node, ast.AnnAssign):
        return last_name(node.annotation) == "TypeAlias"
    return isinstance(node.value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)


def holds_any(node: ast.AST | None, any_names: set[str]) -> bool:
    """Whether an annotation mentions `Any`, also inside another type or in quotes."""
    if node is None or (isinstance(node, ast.Subscript) and last_name(node.value) == "Literal"):
        return False
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return holds_any(ast.parse(node.value, mode="eval").body, any_names)
        except SyntaxError:
            return False  # quoted, but no annotation: a text in Annotated, for example
    return last_name(node) in any_names or any(holds_any(inner, any_names) for inner in ast.iter_child_nodes(node))


def small_modules(tree: Tree) -> Iterator[Finding]:
    """Modules that whoever reads their only importer has to open as well. A few may stay, each for a reason."""
    needed: dict[str, Finding] = {}
    for module in tree.modules.values():
        if module.room not in ("composer_core", "studio") or module.is_package or module.name.endswith(".__main__"):
            continue
        if PurePosixPath(module.path).parent.as_posix() in FLAT_REGISTRIES:
            continue  # only the registry imports its members, and each is read on its own
        importers = tree.importers.get(module.name, set())
        if module.lines < SMALL_MODULE_LINES and len(importers) == 1 and not holds_only_literals(module):
            size = f"{module.lines} lines that only {min(importers)} imports"
            needed[module.name] = Finding(module.path, 1, f"{size}: merge the two, or list this one with a reason")
    yield from exceptions(tree, SMALL_MODULES, "module reason", needed)[1]
    if len(needed) > MAX_SMALL_MODULES:
        yield Finding(SMALL_MODULES, 1, f"{len(needed)} small modules have one importer; at most {MAX_SMALL_MODULES}")


def holds_only_literals(module: Module) -> bool:
    """Whether a module does nothing but assign literals, such as the texts of a page."""
    for node in module.syntax.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            try:
                ast.literal_eval(node.value)
            except ValueError:
                return False
        elif not isinstance(node, ast.Expr | ast.ImportFrom):
            return False
    return True


def misplaced_tests(tree: Tree) -> Iterator[Finding]:
    """Test files in a folder that mirrors no folder of the source. Only folders with Python files count, as the
    caches of a package that has moved stay behind in its old place."""
    folders = {parent.as_posix() for m in tree.modules.values() for parent in PurePosixPath(m.path).parents}
    for module in tree.modules.values():
        path = PurePosixPath(module.path)
        if module.room != "tests" or not path.name.startswith("test_") or path.parts[1] in FREE_TEST_FOLDERS:
            continue
        folder = path.parent.relative_to("tests").as_posix()
        if folder not in folders and f"composer_core/{folder}" not in folders:
            yield Finding(module.path, 1, f"tests/{folder} mirrors neither composer_core/{folder} nor {folder}")


def exceptions(
    tree: Tree, path: str, columns: str, needed: Mapping[str, Finding]
) -> tuple[dict[str, tuple[int, str]], list[Finding]]:
    """A list of exceptions against the findings that it may excuse: its good entries, each with its line and second
    column, and what is left to report: findings without an entry, and entries that are incomplete or not needed."""
    listed: dict[str, tuple[int, str]] = {}
    problems: list[Finding] = []
    file = tree.root / path
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for number, line in enumerate(lines, 1):
        values = line.split(maxsplit=len(columns.split()) - 1)
        if not values or line.startswith("#"):
            continue
        if len(values) < len(columns.split()):
            problems.append(Finding(path, number, f"an entry has all of these: {columns}"))
        elif values[0] not in needed:
            problems.append(Finding(path, number, f"{values[0]} needs no exception: remove this line"))
        elif values[0] in listed:
            problems.append(Finding(path, number, f"{values[0]} is listed twice"))
        else:
            listed[values[0]] = (number, values[1])
    return listed, problems + [finding for key, finding in needed.items() if key not in listed]


CHECKS: tuple[Callable[[Tree], Iterator[Finding]], ...] = (
    crowded_folders,
    circles,
    doubled_classes,
    long_functions,
    long_files,
    any_in_signatures,
    small_modules,
    misplaced_tests,
)


def findings(root: Path) -> list[Finding]:
    """Everything below a folder that breaks the plan, in the order of the files."""
    tree = Tree.read(root)
    return sorted({*tree.broken, *(finding for check in CHECKS for finding in check(tree))})


def main(arguments: list[str]) -> int:
    """Print the findings; 1 if there is any."""
    gc.disable()  # All syntax trees stay in use until the end, so collecting garbage only costs time.
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    found = findings(root)
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
