"""`python -m studio.server`: start the studio, for this computer or, with `--share`, for a network.

`scripts/studio` calls it. Arguments it does not know go to `streamlit run`.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from composer_core.errors import ComposerError, InvalidValue, NotPermitted
from composer_core.pipeline.access.accounts import accounts
from composer_core.workspace import Workspace, default_workspace
from studio.server.addresses import read_hosts
from studio.server.options import DoorOptions, choose, read_options

APP = Path(__file__).resolve().parents[2] / "app.py"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only with --share, behind a password


def parser() -> argparse.ArgumentParser:
    """The options of the launcher itself."""
    made = argparse.ArgumentParser(prog="scripts/studio", description="Open the studio.", allow_abbrev=False)
    made.add_argument("--share", action="store_true", help="listen on the network; everybody has to sign in")
    made.add_argument(
        "--host",
        metavar="NAME",
        action="append",
        default=[],
        help="a further host name of this studio, NAME or NAME:PORT",
    )
    made.add_argument(
        "--proxy", metavar="ADDRESS", action="append", default=[], help="a proxy whose forwarded headers are believed"
    )
    return made


def check_accounts(workspace: Workspace) -> None:
    """Refuse at once to share a workspace without any account; which of them could sign in is looked at when
    Streamlit's secrets are read. Raises NotPermitted, StoreError for damaged accounts."""
    if not accounts(workspace):
        raise NotPermitted("no_accounts")


def prepare(arguments: Sequence[str]) -> tuple[DoorOptions, list[str]]:
    """The options of the doors, and the arguments of `streamlit run` after its file.

    Raises InvalidValue for a host or proxy that cannot be read.
    """
    told, rest = parser().parse_known_args(list(arguments))
    options = read_options()
    options = replace(
        options,
        share=told.share,
        hosts=(*options.hosts, *read_hosts(",".join(told.host))),
        proxies=(*options.proxies, *told.proxy),
    )
    known = (
        {}
        if not told.share
        else {
            "--server.address": EVERYWHERE,
            # Printed for people; without it Streamlit would look for the address of this machine.
            "--browser.serverAddress": options.hosts[0].name if options.hosts else socket.gethostname(),
        }
    )
    given = {one.partition("=")[0] for one in rest}
    return options, [part for name, value in known.items() if name not in given for part in (name, value)] + rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, then serve until stopped. 1: the studio is not started; the reason is on standard error."""
    try:
        options, rest = prepare(sys.argv[1:] if arguments is None else arguments)
        os.chdir(APP.parent)  # where Streamlit looks for its configuration and secrets
        if options.share:
            check_accounts(default_workspace())
    except ComposerError as error:
        sys.stderr.write(f"studio: {error}\n")
        return 2 if isinstance(error, InvalidValue) else 1
    # uvicorn reads who may speak for others; by itself it would believe everybody on this machine.
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(options.proxies)
    choose(options)
    from streamlit.web import cli

    cli.main(["run", str(APP), *rest], prog_name="streamlit", standalone_mode=True)
    return 0
