"""The one table that says which route and which act belongs to which role.

A route is something a browser asks the server for; an act is something that changes the workspace or costs its
machine work. The studio's doors read the routes, `guarded` functions of the pipeline read the acts, and pages read
both to draw nothing that would be refused. A new role is a name in ROLES and its place in the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final, Literal, ParamSpec, TypeVar

from composer_core.errors import NotPermitted, require_choice

VIEWER, CURATOR, OWNER = "viewer", "curator", "owner"
ROLES: Final = (VIEWER, CURATOR, OWNER)
"""In the order in which they are offered. `viewer` looks and listens, `curator` works, `owner` answers for it."""
EVERYBODY: Final = "everybody"
"""Who has not signed in; only for routes."""
NOT_SIGNED_IN: Final = "not signed in"
_ALL: Final = (VIEWER, CURATOR, OWNER)
_WORKING: Final = (CURATOR, OWNER)
_OWNER: Final = (OWNER,)
_NOBODY: Final = ()
_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Right:
    """One row: a route or an act, the roles it belongs to, and what it is.

    The name of a route is a path, with `*` at its end for every path that begins so; of several rows that fit, the
    longest counts. A route of `methods` other than all is only about those.
    """

    kind: Literal["route", "act"]
    name: str
    roles: tuple[str, ...]
    meaning: str
    methods: tuple[str, ...] = ()


def _route(name: str, roles: tuple[str, ...], meaning: str, methods: tuple[str, ...] = ()) -> Right:
    return Right("route", name, roles, meaning, methods)


def _act(name: str, roles: tuple[str, ...], meaning: str) -> Right:
    return Right("act", name, roles, meaning)


RIGHTS: Final[tuple[Right, ...]] = (
    _route("/*", _ALL, "pages, and the code, styles and fonts they are made of"),
    _route("/_stcore/stream", _ALL, "the WebSocket that draws a page and hears its clicks"),
    _route("/_stcore/host-config", _ALL, "what a page may be embedded in"),
    _route("/_stcore/bidi-components/*", _ALL, "code of components"),
    _route("/component/*", _ALL, "code of components"),
    _route("/media/*", _ALL, "pictures and downloads of a page"),
    _route("/api/audio/*", _ALL, "rendered audio"),
    _route("/_stcore/upload_file/*", _WORKING, "files dropped on a page"),
    _route("/_stcore/health", (EVERYBODY, *_ALL), "that the server is up, and nothing else"),
    _route("/_stcore/metrics", _OWNER, "memory and sessions of the server"),
    _route("/_stcore/script-health-check", _OWNER, "a run of the page"),
    _route("/_stcore/agent/*", _NOBODY, "Streamlit's interface for programs; it is off"),
    _route("/_stcore/*", _OWNER, "whatever else Streamlit serves"),
    _route("/auth/login", (EVERYBODY, *_ALL), "the way to the identity provider"),
    _route("/auth/logout", (EVERYBODY, *_ALL), "the way back from it"),
    _route("/oauth2callback", (EVERYBODY, *_ALL), "the answer of the identity provider"),
    _route("/sign-in", (EVERYBODY, *_ALL), "the form that asks for a password"),
    _route("/sign-out", (EVERYBODY, *_ALL), "the end of a session"),
    _route("/session", (EVERYBODY, *_ALL), "whether a session lasts"),
    _act("generate", _WORKING, "make takes and keep them"),
    _act("add_loops", _WORKING, "put takes and mended loops into the library"),
    _act("import_files", _WORKING, "import files that were dropped on a page"),
    _act("import_path", _OWNER, "import a path on the server"),
    _act("label", _WORKING, "decide on labels, also of many loops at once"),
    _act("import_labels", _WORKING, "import a file of labels"),
    _act("save_recipe", _WORKING, "keep a recipe in the workspace"),
    _act("exclude", _OWNER, "leave loops out of the library"),
    _act("restore", _OWNER, "take loops or a backup of the labels back in"),
    _act("delete_import", _OWNER, "delete an import with its loops, and bring it back"),
    _act("reread", _OWNER, "read the library's files again, and take that back"),
    _act("rescore", _OWNER, "score the library's loops again"),
    _act("train", _OWNER, "start, stop and resume trainings"),
    _act("settings", _OWNER, "change the settings of the workspace"),
)
_ACTS: Final = {right.name: right for right in RIGHTS if right.kind == "act"}
_ROUTES: Final = sorted((right for right in RIGHTS if right.kind == "route"), key=lambda right: -len(right.name))

_role: Callable[[], str] = lambda: OWNER  # noqa: E731 - replaced by the studio; a command belongs to who types it


def ask_role(provider: Callable[[], str]) -> None:
    """Let `provider` say the role of whoever acts now ("" for nobody). Until then it is the owner: who can start a
    command can do everything with the workspace's files anyway."""
    global _role
    _role = provider


def role_in_charge() -> str:
    """The role of whoever acts now, "" for nobody."""
    return _role()


def may(act: str, role: str | None = None) -> bool:
    """Whether an act belongs to a role (None: to whoever acts now). KeyError for an unknown act."""
    return (role_in_charge() if role is None else role) in _ACTS[act].roles


def needed_role(act: str) -> str:
    """The least role an act belongs to, in the order of ROLES. KeyError for an unknown act."""
    return _ACTS[act].roles[0]


def require(act: str) -> None:
    """Refuse what does not belong to whoever acts now. Raises NotPermitted."""
    if not may(act):
        raise NotPermitted("not_permitted", role=role_in_charge() or NOT_SIGNED_IN, needed=needed_role(act))


def guarded(act: str) -> Callable[[Callable[_Args, _Result]], Callable[_Args, _Result]]:
    """A function that is an act: it raises NotPermitted before it does anything for whom the act does not belong to.

    Raises KeyError at once where the table has no such act.
    """
    right = _ACTS[act]

    def guard(function: Callable[_Args, _Result]) -> Callable[_Args, _Result]:
        """The function behind the question."""

        @wraps(function)
        def asked(*args: _Args.args, **values: _Args.kwargs) -> _Result:
            """Ask, then do."""
            require(right.name)
            return function(*args, **values)

        return asked

    return guard


def route_roles(path: str, method: str = "GET") -> tuple[str, ...]:
    """The roles to which a path belongs, by the longest row that fits; () for nobody."""
    for right in _ROUTES:
        fits = path.startswith(right.name[:-1]) if right.name.endswith("*") else path == right.name
        if fits and (not right.methods or method in right.methods):
            return right.roles
    return _NOBODY


def check_role(role: str) -> None:
    """Refuse what is no role. Raises InvalidValue."""
    require_choice("role", role, ROLES)
