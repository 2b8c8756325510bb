"""Which Host and which Origin are this studio's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from studio.server.addresses import Authority, Local, is_own_host, is_own_origin, read_authority, read_hosts

HERE = Local("127.0.0.1", 8501)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("localhost:8501", Authority("localhost", 8501)),
        ("LOCALHOST", Authority("localhost", None)),
        ("[::1]:8501", Authority("[::1]", 8501)),
        ("studio.example.org", Authority("studio.example.org", None)),
    ],
)
def test_a_host_is_a_name_and_a_port(text: str, found: Authority) -> None:
    assert read_authority(text) == found


@pytest.mark.parametrize(
    "text",
    ["", ":8501", "localhost:", "localhost:0", "localhost:65536", "localhost:８５０１", "a@localhost", "localhost/x",
     "localhost:8501 ", "localhost\n", "http://localhost", "::1", "[::1", "localhost.", "ｌocalhost", "a,b"],
)  # fmt: skip
def test_anything_else_is_no_host(text: str) -> None:
    assert read_authority(text) is None


@given(st.text(max_size=40))
def test_no_text_passes_for_a_loopback_name_but_the_names_themselves(text: str) -> None:
    host = read_authority(text)
    if host is not None and is_own_host(host, "http", HERE, (), ()):
        assert text.lower() in ("localhost:8501", "127.0.0.1:8501", "[::1]:8501")


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8501", True),
        ("localhost:8501", True),
        ("127.0.0.1:8502", False),  # another local port
        ("127.0.0.1", False),  # port 80
        ("127.0.0.2:8501", False),
        ("studio.example.org", True),  # named without a port: the usual one, or this server's
        ("studio.example.org:8501", True),
        ("studio.example.org:9000", False),
        ("tunnel:9000", True),
        ("tunnel:8501", False),
        ("example.org:8501", False),
        ("127.0.0.1.example.org:8501", False),
    ],
)
def test_own_are_the_loopback_names_and_what_was_named(host: str, own: bool) -> None:
    named = read_hosts("studio.example.org, tunnel:9000")
    found = read_authority(host)
    assert found is not None
    assert is_own_host(found, "http", HERE, named, ()) is own


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://127.0.0.1:8501", True),
        ("HTTP://127.0.0.1:8501", True),
        ("https://127.0.0.1:8501", False),
        ("http://127.0.0.1:8502", False),
        ("http://127.0.0.1", False),
        ("http://localhost:8501", False),  # another name: it may be another site's page
        ("http://127.0.0.1:8501/", False),
        ("http://a@127.0.0.1:8501", False),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
def test_an_origin_is_the_very_address_that_was_asked(origin: str, own: bool) -> None:
    assert is_own_origin(origin, "http", Authority("127.0.0.1", 8501)) is own


def test_the_usual_port_may_be_written_or_not() -> None:
    assert is_own_origin("https://studio.example.org", "https", Authority("studio.example.org", 443))
    assert is_own_origin("https://studio.example.org:443", "https", Authority("studio.example.org", None))
    assert not is_own_origin("https://studio.example.org:80", "https", Authority("studio.example.org", None))


@pytest.mark.parametrize("text", ["http://studio.example.org", "a b", "studio:port", "*"])
def test_a_named_host_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="host"):
        read_hosts(f"good.example.org,{text}")


@pytest.mark.parametrize(
    ("address", "loopback", "name"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("::ffff:127.0.0.1", True, "127.0.0.1"),
        ("::1", True, "[::1]"),
        ("192.168.1.5", False, "192.168.1.5"),
        ("::ffff:192.168.1.5", False, "192.168.1.5"),
        ("fe80::1%eth0", False, "[fe80::1]"),
        ("127.example.org", False, "127.example.org"),
    ],
)
def test_the_end_of_a_connection_is_read_as_what_it_is(address: str, loopback: bool, name: str) -> None:
    assert (Local(address, 8501).is_loopback, Local(address, 8501).name) == (loopback, name)
