"""The one table of rights, and the functions that are held to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer_core.errors import NotPermitted
from composer_core.music.condition import Condition
from composer_core.pipeline.access import rights
from composer_core.pipeline.access.rights import CURATOR, OWNER, VIEWER
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.labels.decisions import decide
from composer_core.pipeline.labels.files import restore_labels
from composer_core.pipeline.library.duplicates import exclude
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.pipeline.training.runs import stop
from composer_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
ACTS = {right.name for right in rights.RIGHTS if right.kind == "act"}
OWNERS_ALONE = {"import_path", "exclude", "restore", "delete_import", "reread", "rescore", "train", "settings"}


@pytest.fixture
def acting() -> Iterator[list[str]]:
    """Who acts: the last of the list."""
    role = [OWNER]
    rights.ask_role(lambda: role[-1])
    yield role
    from studio.access import visitor

    rights.ask_role(lambda: visitor.visitor().role)


def test_the_owner_may_do_everything_and_a_viewer_nothing_that_changes() -> None:
    assert {act for act in ACTS if rights.may(act, OWNER)} == ACTS
    assert {act for act in ACTS if rights.may(act, CURATOR)} == ACTS - OWNERS_ALONE
    assert {act for act in ACTS if rights.may(act, VIEWER)} == set()
    assert {act for act in ACTS if rights.may(act, "")} == set()


def test_every_row_is_there_once_and_names_known_roles() -> None:
    assert len({(right.kind, right.name) for right in rights.RIGHTS}) == len(rights.RIGHTS)
    for right in rights.RIGHTS:
        assert set(right.roles) <= {*rights.ROLES, *([rights.EVERYBODY] if right.kind == "route" else [])}
        assert right.meaning


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/", {VIEWER, CURATOR, OWNER}),
        ("/anything/new", {VIEWER, CURATOR, OWNER}),
        ("/_stcore/upload_file/session/file", {CURATOR, OWNER}),
        ("/_stcore/something-new", {OWNER}),
        ("/_stcore/agent/mcp", set()),
        ("/_stcore/health", {"everybody", VIEWER, CURATOR, OWNER}),
        ("/_stcore/healthy", {OWNER}),
        ("/sign-in", {"everybody", VIEWER, CURATOR, OWNER}),
        ("/sign-in/x", {VIEWER, CURATOR, OWNER}),
        ("no-path", set()),
    ],
)
def test_the_longest_row_that_fits_a_path_counts(path: str, roles: set[str]) -> None:
    assert set(rights.route_roles(path)) == roles


def test_each_act_is_asked_for_somewhere_in_the_pipeline() -> None:
    asked = set()
    for path in (ROOT / "composer_core" / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("guarded", "require"):
                asked |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    assert asked & ACTS == ACTS


def test_what_is_not_ones_own_is_refused_before_anything_is_done(acting: list[str], tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace").create()
    before = sorted(workspace.root.rglob("*"))
    tries = {
        VIEWER: [
            lambda: generate(Condition("drums"), seed=1, workspace=workspace),
            lambda: decide(workspace, "x", rater="v", action="approve", values={}, seen={}),
            lambda: keep_upload(workspace, "a.mid", b"x"),
        ],
        CURATOR: [
            lambda: exclude(workspace, ["x"]),
            lambda: restore_labels(workspace, tmp_path / "backup"),
            lambda: stop(workspace, "run"),
            lambda: save_settings(workspace, Settings()),
            lambda: ingest([str(tmp_path)], workspace),
            lambda: ingest([str(workspace.sources / ".." / ".." / "settings.json")], workspace),
        ],
    }
    for role, acts in tries.items():
        acting.append(role)
        for act in acts:
            with pytest.raises(NotPermitted, match=role):
                act()
    acting.append("")
    with pytest.raises(NotPermitted, match="not signed in"):
        save_settings(workspace, Settings())
    assert sorted(workspace.root.rglob("*")) == before


def test_a_curator_imports_what_was_dropped_on_the_page(acting: list[str], tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).create()
    acting.append(CURATOR)
    path = keep_upload(workspace, "note.txt", b"no music")
    assert ingest([str(path)], workspace, jobs=1).files_accepted == 0


def test_an_unknown_act_is_a_mistake_at_once() -> None:
    with pytest.raises(KeyError):
        rights.guarded("fly")
    with pytest.raises(KeyError):
        rights.require("fly")
