"""The accounts of a shared studio: names, roles and hashed passwords, one file in the workspace.

A password is kept as scrypt makes it (a salt of its own, 32 MiB and some 60 ms for each try), never as it is. An
account without a password signs in with the identity provider that Streamlit's secrets name.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.pipeline.access.rights import check_role
from composer_core.store.atomic import locked, read_json, write_private_json
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

SHORTEST_PASSWORD: Final = 10
_LONGEST_PASSWORD, _LONGEST_NAME = 1024, 80
_COST, _BLOCK, _PARALLEL = 2**15, 8, 1
_MEMORY = 64 * 2**20
_SALT_BYTES, _KEY_BYTES = 16, 32
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Password:
    """A password as scrypt made it: salt and key in hexadecimal, and the cost they were made with."""

    salt: str
    key: str
    cost: int = _COST
    block: int = _BLOCK
    parallel: int = _PARALLEL

    def __post_init__(self) -> None:
        bytes.fromhex(self.salt), bytes.fromhex(self.key)  # ValueError for what is no hexadecimal number
        costs = (self.cost, self.block, self.parallel)
        if not all(type(value) is int and value > 0 for value in costs) or self.cost < 2 or self.cost & (self.cost - 1):
            raise ValueError("a cost of scrypt that is none")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in: a name, a role, and a password (None: by the identity provider alone)."""

    name: str
    role: str
    password: Password | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_role(self.role)


def check_name(name: str) -> None:
    """Refuse a name that cannot stand in a list: empty, too long, with signs that do not print or with blanks around.
    Raises InvalidValue."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        expected = f"1 to {_LONGEST_NAME} printable characters"
        raise InvalidValue("bad_format", name="name", value=name, expected=expected)


def accounts(workspace: Workspace) -> dict[str, Account]:
    """Every account by its name, none before any was made. Raises StoreError for a damaged file."""
    if not workspace.accounts.exists():
        return {}
    stored = read_json(workspace.accounts)
    try:
        if not isinstance(stored, dict) or stored["version"] != _VERSION:
            raise ValueError(f"version {stored['version'] if isinstance(stored, dict) else stored!r}")
        return {name: _account(name, told) for name, told in stored["accounts"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, InvalidValue) as error:
        raise StoreError("damaged_store", path=str(workspace.accounts), reason=str(error)) from error


def set_account(workspace: Workspace, name: str, role: str, password: str | None) -> Account:
    """Make an account or replace it; None for a person the identity provider knows. The name is kept in NFC.

    Raises InvalidValue for a bad name, an unknown role and a password too short, StoreError.
    """
    account = Account(unicodedata.normalize("NFC", name), role, None if password is None else _hashed(password))
    with locked(workspace.accounts_lock):
        _write(workspace, {**accounts(workspace), account.name: account})
    _log.info("an account was set, role %s", role)
    return account


def remove_account(workspace: Workspace, name: str) -> None:
    """Remove an account; sessions of it end. Raises NotFound, StoreError."""
    with locked(workspace.accounts_lock):
        known = accounts(workspace)
        if known.pop(unicodedata.normalize("NFC", name), None) is None:
            raise NotFound("account_missing", name=name, path=str(workspace.accounts))
        _write(workspace, known)
    _log.info("an account was removed")


def check_password(workspace: Workspace, name: str, password: str) -> Account | None:
    """The account if the password is its own, else None. It takes as long for a name that does not exist."""
    account = accounts(workspace).get(unicodedata.normalize("NFC", name))
    kept = account.password if account is not None else None
    salted = kept or Password(secrets.token_hex(_SALT_BYTES), "")
    matches = hmac.compare_digest(_key(password, salted), salted.key)
    return account if matches and kept is not None else None


def _account(name: str, told: Mapping[str, object]) -> Account:
    password = told.get("password")
    if password is not None and not isinstance(password, dict):
        raise ValueError("a password that is no object")
    kept = None if password is None else Password(**password)
    return Account(name, str(told["role"]), kept)


def _write(workspace: Workspace, known: Mapping[str, Account]) -> None:
    told = {
        name: {"role": one.role, "password": None if one.password is None else asdict(one.password)}
        for name, one in sorted(known.items())
    }
    write_private_json(workspace.accounts, {"version": _VERSION, "accounts": told})


def _hashed(password: str) -> Password:
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise InvalidValue("bad_password", least=SHORTEST_PASSWORD, most=_LONGEST_PASSWORD)
    fresh = Password(secrets.token_hex(_SALT_BYTES), "")
    return Password(fresh.salt, _key(password, fresh))


def _key(password: str, kept: Password) -> str:
    # NFKC, because one keyboard composes é and full-width letters otherwise than another.
    typed = unicodedata.normalize("NFKC", password[:_LONGEST_PASSWORD]).encode("utf-8", "surrogatepass")
    salt = bytes.fromhex(kept.salt)
    made = hashlib.scrypt(
        typed, salt=salt, n=kept.cost, r=kept.block, p=kept.parallel, maxmem=_MEMORY, dklen=_KEY_BYTES
    )
    return made.hex()
