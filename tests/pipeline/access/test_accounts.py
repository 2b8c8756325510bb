"""Accounts of a shared studio, and the command that makes them."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.pipeline.access.accounts import (
    accounts,
    check_password,
    remove_account,
    set_account,
)
from composer_core.workspace import Workspace

PASSWORD = "correct horse battery"


def test_a_password_is_kept_as_scrypt_makes_it_and_nothing_else(empty: Workspace) -> None:
    set_account(empty, "kim", "owner", PASSWORD)
    set_account(empty, "aki", "viewer", PASSWORD)
    text = empty.accounts.read_text(encoding="utf-8")
    assert PASSWORD not in text
    kept = json.loads(text)["accounts"]["kim"]["password"]
    made = hashlib.scrypt(
        PASSWORD.encode(), salt=bytes.fromhex(kept["salt"]), n=32768, r=8, p=1, maxmem=2**26, dklen=32
    )
    assert made.hex() == kept["key"]
    assert kept["salt"] != json.loads(text)["accounts"]["aki"]["password"]["salt"]
    assert stat.S_IMODE(empty.accounts.stat().st_mode) == 0o600


def test_only_its_own_password_opens_an_account(empty: Workspace) -> None:
    made = set_account(empty, "kim", "curator", PASSWORD)
    assert check_password(empty, "kim", PASSWORD) == made
    assert check_password(empty, "kim", PASSWORD + " ") is None
    assert check_password(empty, "kim", "") is None
    assert check_password(empty, "nobody", PASSWORD) is None
    assert check_password(empty, "kim", "\ud800" * 20) is None


def test_a_password_is_the_same_however_the_keyboard_composes_it(empty: Workspace) -> None:
    set_account(empty, "é", "owner", "パスワードé 12345")
    assert check_password(empty, "e\u0301", "ﾊﾟｽﾜｰﾄﾞe\u0301 １２３４５") is not None


def test_an_account_of_the_provider_has_no_password_to_try(empty: Workspace) -> None:
    set_account(empty, "kim@example.org", "owner", None)
    for tried in ("", "None", "null"):
        assert check_password(empty, "kim@example.org", tried) is None


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("", "owner", PASSWORD), (" kim", "owner", PASSWORD), ("a\nb", "owner", PASSWORD), ("k" * 81, "owner", PASSWORD),
     ("kim", "admin", PASSWORD), ("kim", "owner", "short"), ("kim", "owner", "x" * 1025)],
)  # fmt: skip
def test_what_cannot_be_an_account_is_refused(empty: Workspace, name: str, role: str, password: str) -> None:
    with pytest.raises(InvalidValue):
        set_account(empty, name, role, password)
    assert accounts(empty) == {}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"version": 2, "accounts": {}}', '{"version": 1, "accounts": []}',
     '{"version": 1, "accounts": {"kim": {"role": "king", "password": null}}}',
     '{"version": 1, "accounts": {"kim": {"role": "owner", "password": "plain"}}}',
     '{"version": 1, "accounts": {"kim": {"role": "owner", "password": {"salt": "00"}}}}',
     '{"version": 1, "accounts": {"kim": {"role": "owner", "password": {"salt": "zz", "key": ""}}}}',
     '{"version": 1, "accounts": {"kim": {"role": "owner", "password": {"salt": "00", "key": "", "cost": 1}}}}'],
)  # fmt: skip
def test_damaged_accounts_are_an_error_of_ours(empty: Workspace, text: str) -> None:
    empty.accounts.write_text(text)
    with pytest.raises(StoreError, match=r"accounts\.json"):
        accounts(empty)


def test_the_command_asks_and_never_takes_a_password_as_an_argument(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(empty.root)]
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["account", "set", "kim", "--role", "owner", *place]) == 0
    assert main(["account", "set", "a@example.org", "--role", "viewer", "--provider", *place]) == 0
    capsys.readouterr()
    assert main(["account", "list", "--json", *place]) == 0
    listed = capsys.readouterr().out
    assert [(row["name"], row["role"], row["signs_in_by"]) for row in json.loads(listed)] == [
        ("a@example.org", "viewer", "provider"),
        ("kim", "owner", "password"),
    ]
    assert check_password(empty, "kim", PASSWORD) is not None
    with pytest.raises(SystemExit):
        main(["account", "set", "kim", PASSWORD, "--role", "owner", *place])
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["account", "set", "kim", "--role", "owner", *place]) == 2
    assert main(["account", "remove", "kim", *place]) == 0
    assert main(["account", "remove", "kim", *place]) == 1
    with pytest.raises(NotFound):
        remove_account(empty, "kim")


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path).create()
