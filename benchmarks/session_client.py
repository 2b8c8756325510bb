"""A browser's end of a session, as far as the server can tell: a WebSocket that speaks Streamlit's protobuf."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

MAX_BYTES = 2**28
PATIENCE_SEC = 120.0


@dataclass
class Session:
    """One session. `elements` holds the last message of every widget and component of the page by its id."""

    socket: ClientConnection
    page: str = ""
    query: str = ""
    page_hash: str = ""
    elements: dict[str, tuple[str, Any]] = field(default_factory=dict)
    states: dict[str, WidgetState] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    n_events: int = 0

    async def run(self, trigger: WidgetState | None = None, *, wait: bool = True) -> float:
        """Ask for a run of the page, as a click does; seconds until the page was drawn."""
        message = BackMsg()
        request = message.rerun_script
        request.page_name, request.page_script_hash, request.query_string = self.page, self.page_hash, self.query
        request.widget_states.widgets.extend(self.states.values())
        if trigger is not None:
            request.widget_states.widgets.append(trigger)
        request.context_info.timezone, request.context_info.locale = "UTC", "en-US"
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        if wait:
            await self.until_drawn()
        return time.perf_counter() - started

    async def until_drawn(self) -> None:
        """Read messages until a run has ended by itself; one that gives way to another goes on."""
        while True:
            answer = await self.hear()
            if answer.WhichOneof("type") == "script_finished":
                finished = answer.script_finished
                if finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    self.errors.append("compile error")
                if finished not in (ForwardMsg.FINISHED_EARLY_FOR_RERUN, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY):
                    return

    async def hear(self) -> ForwardMsg:
        """The next message of the server, taken into account."""
        data = await asyncio.wait_for(self.socket.recv(decode=False), PATIENCE_SEC)
        answer = ForwardMsg()
        answer.ParseFromString(data)
        kind = answer.WhichOneof("type")
        if kind == "new_session":
            self.page_hash = answer.new_session.page_script_hash
        elif kind == "page_info_changed":
            self.query = answer.page_info_changed.query_string
        elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
            self._take(answer.delta.new_element)
        return answer

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind is None:
            return
        proto = getattr(element, kind)
        if kind == "exception":
            self.errors.append(f"{proto.type}: {proto.message[:200]}")
        elif kind == "alert" and proto.format == proto.ERROR:
            self.errors.append(proto.body[:200])
        elif kind == "progress":
            self.texts.append(proto.text)
        if getattr(proto, "id", ""):
            self.elements[proto.id] = (kind, proto)

    def button(self, key: str) -> WidgetState:
        """What a click on the button of a key sends. LookupError where the page has none."""
        return WidgetState(id=self._id("button", key), trigger_value=True)

    async def event(self, component: str, name: str, value: dict[str, object]) -> float:
        """Let the component of a key commit a value under a name; seconds until the page was drawn."""
        self.n_events += 1
        at = self._id("bidi_component", component)
        self.states[at] = WidgetState(id=at, json_value=json.dumps({name: {**value, "seq": self.n_events}}))
        return await self.run()

    def data(self, component: str) -> Any:
        """What the component of a key was given."""
        return json.loads(self.elements[self._id("bidi_component", component)][1].json)

    def _id(self, kind: str, key: str) -> str:
        found = [name for name, (one, _) in self.elements.items() if one == kind and name.endswith(f"-{key}")]
        if not found:
            raise LookupError(f"no {kind} {key!r} on the page; there are {sorted(self.elements)[:40]}")
        return found[-1]


async def open_session(port: int, page: str = "", cookie: str = "", origin: str = "") -> Session:
    """Connect as a browser does, and draw a page. A foreign `origin` is refused by the server."""
    socket = await connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        origin=origin or f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        additional_headers={"Cookie": cookie} if cookie else {},
        max_size=MAX_BYTES,
        ping_interval=None,
    )
    session = Session(socket, page=page)
    await session.run()
    return session
