"""`composer account` says who may sign in to a shared studio."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `account` with its actions."""
    parser = subparsers.add_parser("account", allow_abbrev=False, help="say who may sign in to a shared studio")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser(
        "set", allow_abbrev=False, help="make an account or change it; the password is asked for, never an argument"
    )
    make.add_argument("name", metavar="NAME", help="who signs in; with --provider the e-mail address")
    make.add_argument("--role", metavar="ROLE", required=True, help="viewer, curator or owner")
    make.add_argument(
        "--provider", action="store_true", help="no password: the person signs in with the identity provider"
    )
    make.set_defaults(run=set_account)
    listing = actions.add_parser("list", allow_abbrev=False, help="list the accounts, without their passwords")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    listing.set_defaults(run=list_accounts)
    remove = actions.add_parser("remove", allow_abbrev=False, help="remove an account and end its sessions")
    remove.add_argument("name", metavar="NAME", help="whose account it is")
    remove.set_defaults(run=remove_account)
    rights = actions.add_parser("rights", allow_abbrev=False, help="print which route and act belongs to which role")
    rights.add_argument("--json", action="store_true", help="print one JSON array")
    rights.set_defaults(run=list_rights)
    for action in (make, listing, remove):
        action.add_argument("--workspace", metavar="DIR", type=Path, help="whose accounts they are")


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace(arguments.workspace) if arguments.workspace else default_workspace()


def set_account(arguments: argparse.Namespace) -> int:
    """Ask for the password twice, or read one line where nobody types, and keep the account; always 0."""
    from composer_core.pipeline.access import accounts, rights

    rights.check_role(arguments.role)
    accounts.check_name(arguments.name)
    password = None if arguments.provider else _asked_password()
    account = accounts.set_account(_workspace(arguments).create(), arguments.name, arguments.role, password)
    print(f"{account.name}: {account.role}")
    return 0


def _asked_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise InvalidValue("bad_format", name="the second password", value="another", expected="the same as the first")
    return first


def list_accounts(arguments: argparse.Namespace) -> int:
    """Print names, roles and how each signs in; always 0."""
    from composer_core.pipeline.access import accounts

    rows = [
        {"name": one.name, "role": one.role, "signs_in_by": "password" if one.password else "provider"}
        for one in accounts.accounts(_workspace(arguments)).values()
    ]
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row['role']:<8} {row['signs_in_by']:<9} {row['name']}")
    return 0


def remove_account(arguments: argparse.Namespace) -> int:
    """Remove one account; always 0."""
    from composer_core.pipeline.access import accounts

    accounts.remove_account(_workspace(arguments), arguments.name)
    print(f"{arguments.name}: removed")
    return 0


def list_rights(arguments: argparse.Namespace) -> int:
    """Print the table of rights; always 0."""
    from composer_core.pipeline.access.rights import RIGHTS

    if arguments.json:
        rows = [{"kind": r.kind, "name": r.name, "roles": list(r.roles), "meaning": r.meaning} for r in RIGHTS]
        print(json.dumps(rows, indent=1))
        return 0
    for right in RIGHTS:
        print(f"{right.kind:<6} {right.name:<28} {', '.join(right.roles) or 'nobody':<36} {right.meaning}")
    return 0
