"""Host and Origin: which addresses are this studio's own. Pure decisions about text; nothing is looked up.

A page of another site can make a browser send requests here, and a name that is rebound to 127.0.0.1 makes it
believe that they go to that site. Both leave a trace the page cannot change: the Host is a foreign name, or the
Origin is not the address that was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from composer_core.errors import InvalidValue

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_AUTHORITY = re.compile(
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)(?::([0-9]{1,5}))?", re.I | re.A
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A host name in lower case (an IPv6 address in brackets) and its port, None where none is written."""

    name: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Local:
    """The end of a connection at this machine: its IP address and port."""

    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can have made the connection."""
        try:
            return ip_address(_plain(self.address)).is_loopback
        except ValueError:
            return False

    @property
    def name(self) -> str:
        """The address as a Host header writes it."""
        plain = _plain(self.address)
        return f"[{plain}]" if ":" in plain else plain


def read_authority(text: str) -> Authority | None:
    """The name and port a Host header names, None where it is anything else than that."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    port = int(found[2]) if found[2] else None
    if port is not None and not 0 < port <= _MAX_PORT:
        return None
    return Authority(found[1].lower(), port)


def read_hosts(text: str) -> tuple[Authority, ...]:
    """The hosts a person names, parted by commas. Raises InvalidValue for what is no NAME or NAME:PORT."""
    hosts = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        host = read_authority(part)
        if host is None:
            raise InvalidValue("bad_format", name="host", value=part, expected="NAME or NAME:PORT, without http://")
        hosts.append(host)
    return tuple(hosts)


def is_own_host(host: Authority, scheme: str, local: Local, named: Iterable[Authority], own: Iterable[str]) -> bool:
    """Whether a Host is this studio's: a loopback name, one of `own` names, or a host the user `named`.

    The port has to be the one the connection came in by; for a named host without a port also the usual port of
    the scheme, because a proxy may stand before the studio.
    """
    usual = DEFAULT_PORTS[scheme]
    port = host.port or usual
    if port == local.port and host.name in (*LOOPBACK_NAMES, *own):
        return True
    return any(host.name == one.name and port in ((one.port,) if one.port else (usual, local.port)) for one in named)


def is_own_origin(origin: str, scheme: str, host: Authority) -> bool:
    """Whether an Origin is the very address that was asked: the same scheme, name and port."""
    begin, slashes, rest = origin.partition("://")
    found = read_authority(rest) if slashes else None
    usual = DEFAULT_PORTS[scheme]
    return found is not None and (begin.lower(), found.name, found.port or usual) == (
        scheme,
        host.name,
        host.port or usual,
    )


def _plain(address: str) -> str:
    """An IP address without a zone, an IPv4 address that was mapped into IPv6 as what it is."""
    bare = address.partition("%")[0]
    try:
        read = ip_address(bare)
    except ValueError:
        return bare
    if isinstance(read, IPv6Address) and read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(read)
