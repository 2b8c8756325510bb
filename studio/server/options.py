"""What a person sets of the doors: variables of the environment, and what `scripts/studio` was told."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from ipaddress import ip_network

from streamlit import config

from composer_core.errors import ComposerError, InvalidValue, NotPermitted, require_range
from composer_core.pipeline.access.accounts import accounts
from composer_core.workspace import Workspace, default_workspace
from studio.server import provider
from studio.server.addresses import LOOPBACK_NAMES, Authority, read_hosts

HOSTS, PROXIES = "COMPOSER_HOSTS", "COMPOSER_PROXIES"
IDLE_MIN, SESSION_HOURS = "COMPOSER_IDLE_MIN", "COMPOSER_SESSION_HOURS"
_LONGEST_IDLE_MIN, _LONGEST_HOURS = 7 * 24 * 60.0, 31 * 24.0


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """Which hosts are this studio's besides the loopback names, which proxies may speak for others (networks or
    addresses), whether people sign in, and how long a visit lasts: minutes without an act, hours in all."""

    hosts: tuple[Authority, ...] = ()
    proxies: tuple[str, ...] = ()
    share: bool = False
    idle_min: float = 60.0
    session_hours: float = 12.0

    def __post_init__(self) -> None:
        for proxy in self.proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                expected = "an IP address or network, such as 127.0.0.1 or 10.0.0.0/8"
                raise InvalidValue("bad_format", name="proxy", value=proxy, expected=expected) from error
        require_range(IDLE_MIN, self.idle_min, 1.0, _LONGEST_IDLE_MIN, " minutes")
        require_range(SESSION_HOURS, self.session_hours, 0.1, _LONGEST_HOURS, " hours")


def read_options() -> DoorOptions:
    """The options the environment names. Raises InvalidValue for a value that cannot be read or is out of range."""
    plain = DoorOptions()
    return DoorOptions(
        hosts=read_hosts(os.environ.get(HOSTS, "")),
        proxies=tuple(filter(None, (part.strip() for part in os.environ.get(PROXIES, "").split(",")))),
        idle_min=_number(IDLE_MIN, os.environ.get(IDLE_MIN, ""), plain.idle_min),
        session_hours=_number(SESSION_HOURS, os.environ.get(SESSION_HOURS, ""), plain.session_hours),
    )


def _number(name: str, text: str, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError as error:
        raise InvalidValue("bad_format", name=name, value=text, expected="a number") from error


_chosen: DoorOptions | None = None


def choose(options: DoorOptions) -> None:
    """Let the server that starts in this process have these options; `studio.server.launch` does."""
    global _chosen
    _chosen = options


def check_start() -> None:
    """End the process (SystemExit with a sentence) where it would serve a network without asking who is there, or ask
    where nobody could sign in.

    Streamlit's own default is to listen everywhere. A server that Streamlit does not start, such as uvicorn, is not
    known here; the doors refuse its connections one by one.
    """
    address = config.get_option("server.address") or "every address"
    try:
        if chosen().share:
            check_sign_in(default_workspace())
        elif address not in (*LOOPBACK_NAMES, "::1"):
            raise NotPermitted("not_shared", address=address)
    except ComposerError as error:
        sys.exit(f"studio: {error}")


def check_sign_in(workspace: Workspace) -> None:
    """Refuse to share what nobody could sign in to. Raises NotPermitted, StoreError for damaged accounts."""
    known = accounts(workspace).values()
    if not any(one.password is not None for one in known) and not (known and provider.is_set_up()):
        raise NotPermitted("no_accounts")


def chosen() -> DoorOptions:
    """The options of this process: those of the launcher, else those of the environment, which never share."""
    return replace(read_options(), share=False) if _chosen is None else _chosen
