"""A run in progress: state, loss curve, log, and the actions on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.condition import Condition
from composer_core.pipeline.generation.takes import generate, render_take, save_takes
from composer_core.pipeline.training.runs import (
    SMOOTHING,
    RunStatus,
    TrainRequest,
    label_counts_of,
    resume,
    runs,
    status,
    stop,
)
from studio import navigation, session
from studio.access.offer import may, why_not
from studio.components import transport
from studio.redraw import redraw
from studio.train import state as train_state
from studio.turns import own_ticket, turns
from studio.widgets import errors_as_messages, show_error
from studio.wording.names import instrument_name
from studio.wording.text import literally, t, translated_value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_POINTS = 1500
_RAW, _SMOOTH, _HELD_OUT = "#9d93e8", "#5b4bdb", "#e0679b"
REFRESH_SEC = 2.0
BadgeColour = Literal["blue", "violet", "green", "gray", "red"]
WORKING = ("starting", "running")
BADGES: dict[str, tuple[BadgeColour, str]] = {
    "starting": ("blue", ":material/hourglass_top:"),
    "running": ("violet", ":material/autorenew:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("gray", ":material/pause_circle:"),
    "crashed": ("red", ":material/error:"),
}
MAX_SEED = 2**31 - 1


def loss_figure(run: RunStatus) -> Figure:
    """A plotly figure of `run.losses` and `run.validation` over the steps; thinned to MOST_POINTS."""
    from plotly import graph_objects as plot

    steps = [step for step, _ in run.losses]
    losses = [loss for _, loss in run.losses]
    every = max(1, -(-len(steps) // MOST_POINTS))
    figure = plot.Figure()
    figure.add_scatter(
        x=steps[::every], y=losses[::every], name=t("train.raw"), line={"color": _RAW, "width": 1}, opacity=0.5
    )
    figure.add_scatter(
        x=steps[::every], y=smoothed(losses)[::every], name=t("train.smoothed"), line={"color": _SMOOTH, "width": 2.5}
    )
    if run.validation:
        at, values = zip(*run.validation, strict=True)
        figure.add_scatter(
            x=at,
            y=values,
            name=t("train.held_out"),
            mode="lines+markers",
            line={"color": _HELD_OUT, "width": 2},
            yaxis="y2",
        )
        figure.update_layout(
            yaxis2={
                "title": t("train.axis_note"),
                "overlaying": "y",
                "side": "right",
                "showgrid": False,
                "exponentformat": "none",
            }
        )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis_title=t("train.axis_step"),
        yaxis={"title": t("train.axis_token"), "exponentformat": "none"},
        hovermode="x unified",
    )
    return figure


def smoothed(values: list[float], weight: float = SMOOTHING) -> list[float]:
    """Exponential moving average, corrected for its start: y_n = sum w^(n-k) x_k / sum w^(n-k)."""
    total, norm, result = 0.0, 0.0, []
    for value in values:
        total, norm = weight * total + value, weight * norm + 1.0
        result.append(total / norm)
    return result


def train_monitor() -> None:
    """Choose a run and watch it; a working run is read again every REFRESH_SEC."""
    known = {run.run: run for run in runs(session.workspace())}
    if not known:
        st.info(t("train.no_runs"), icon=":material/model_training:")
        return
    train_state.keep_run(list(known))
    chosen = st.selectbox(t("train.runs"), list(known), key=train_state.RUN, persist_state="session")
    every = REFRESH_SEC if known[chosen].state in WORKING else None
    st.fragment(_watch, run_every=every)(chosen, known[chosen].state)
    with st.expander(t("train.all_runs")):
        st.dataframe([_as_row(run) for run in known.values()], hide_index=True)


def _watch(name: str, state_before: str) -> None:
    """One reading of the run's files; when it begins or ends to work, the whole page is drawn anew."""
    follow_click()
    with errors_as_messages():
        _show(name, state_before)


def _show(name: str, state_before: str) -> None:
    run = status(session.workspace(), name)
    _head(run)
    if run.losses:
        st.plotly_chart(loss_figure(run), key="train.loss", config={"displayModeBar": False})
    if run.state == "starting" or (run.state in WORKING and not run.losses):
        st.caption(t("train.preparing"))
    _actions(run)
    _show_labels(name)
    with st.expander(t("train.log"), expanded=run.state == "crashed"):
        st.code(run.log_tail or t("train.log_empty"), language=None, wrap_lines=True)
    if (run.state in WORKING) != (state_before in WORKING):
        redraw()


def _show_labels(name: str) -> None:
    """Whose values the run learns from, field by field; nothing for a run on a folder."""
    counts = label_counts_of(session.workspace(), name)
    if not counts:
        return
    with st.expander(t("train.labels"), icon=":material/sell:"):
        st.caption(t("train.labels_help"))
        field, whose, loops = t("train.labels_field"), t("train.labels_whose"), t("train.labels_loops")
        rows = [
            {field: t(f"train.labels_of_{name}"), whose: _whose(who), loops: count}
            for name, found in counts.items()
            for who, count in found.items()
        ]
        st.dataframe(rows, hide_index=True)


def _whose(who: str) -> str:
    """Whom a value is of: people, a machine or data set by name, the file, or nobody."""
    kind, _, name = who.partition(":")
    return t(f"label.by_{kind}", name=name) if name else t(f"train.labels_by_{kind}")


def _as_row(run: RunStatus) -> dict[str, str]:
    return {
        t("train.name"): run.run,
        t("train.state"): t(f"train.state_{run.state}"),
        t("generate.instrument"): instrument_name(run.request.instrument),
        t("train.size"): run.request.size,
        t("train.steps"): f"{run.step} / {run.steps}",
        t("train.validation"): _best(run),
    }


def _best(run: RunStatus) -> str:
    return f"{min(value for _, value in run.validation):.3f}" if run.validation else ""


def _head(run: RunStatus) -> None:
    colour, icon = BADGES[run.state]
    request = run.request
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(t(f"train.state_{run.state}"), color=colour, icon=icon)
        from_model = t("train.from_model", model=request.start, way=_way(request)) if request.start else request.size
        words = [instrument_name(request.instrument), from_model, translated_value(run.device_name)]
        st.caption(t("library.dot").join(literally(word) for word in words if word))
    if run.error is not None:
        show_error(run.error)
    elif run.message:
        st.error(literally(run.message))
    elif run.state == "crashed":
        st.error(t("train.died"))
    if run.steps:
        text = t("train.progress", step=run.step, steps=run.steps)
        if run.eta_sec is not None:
            text += t("train.eta", time=duration(run.eta_sec))
        st.progress(min(1.0, run.step / run.steps), text=text)
    last, best = st.columns(2)
    if run.losses:
        last.metric(t("train.loss"), f"{run.losses[-1][1]:.3f}", help=t("train.loss_help"))
    if run.validation:
        best.metric(t("train.validation"), _best(run), help=t("train.validation_help"))


def _way(request: TrainRequest) -> str:
    return t("train.way_adapter" if request.adapter else "train.way_full")


def _actions(run: RunStatus) -> None:
    with st.container(horizontal=True):
        if run.state in WORKING:
            _button("stop", ":material/stop_circle:", _stop, run.run, why_not("train"))
        elif run.state != "finished":
            _button("resume", ":material/resume:", _resume, run.run, why_not("train"))
        if run.has_model:
            if st.button(
                t("train.sample"),
                icon=":material/play_arrow:",
                key="train.sample",
                help=why_not("generate") or t("train.sample_help"),
                disabled=not may("generate"),
            ):
                _sample(run)
            _button("use", ":material/auto_awesome:", _use, run)


def _button(name: str, icon: str, act: Callable[..., None], of: RunStatus | str, reason: str | None = None) -> None:
    """A button whose act is a callback: the next reading may come before this one has drawn its buttons.

    With a `reason` it is disabled, and its hint says why.
    """
    st.button(
        t(f"train.{name}"),
        icon=icon,
        key=f"train.{name}",
        on_click=act,
        args=(of,),
        disabled=reason is not None,
        help=reason,
    )


def _stop(name: str) -> None:
    try:
        stop(session.workspace(), name)
    except ComposerError as error:
        session.set_problem(error)
    else:
        st.toast(t("train.stopping"))


def _resume(name: str) -> None:
    try:
        resume(session.workspace(), name)
    except ComposerError as error:
        session.set_problem(error)


def _use(run: RunStatus) -> None:
    """Generate with the model; the next drawing goes there."""
    heard = run.request.heard_instrument
    session.set_widget("generate.instruments", [heard])
    session.set_widget(f"generate.model.{heard}", run.run)
    session.go_to("generate")


def follow_click() -> None:
    """Do what a click has left to the drawing: go to another page, or have the shell say what went wrong."""
    if session.take_destination() == "generate":
        st.switch_page(navigation.page("generate"))
    if session.problem_waits():
        redraw()


def _sample(run: RunStatus) -> None:
    """One take of the model as it is now, kept in the history and played."""
    workspace = session.workspace()
    asked = Condition(run.request.heard_instrument)
    place = st.empty()

    def waits(n_before: int) -> None:
        place.caption(t("generate.waiting", n=n_before))

    with turns.turn(own_ticket(), waits), st.spinner(t("train.sampling")):
        place.empty()
        takes = generate(asked, seed=secrets.randbelow(MAX_SEED), model=run.run, workspace=workspace)
    save_takes(workspace, takes)
    title = t("train.sample_title", run=run.run, step=run.step)
    transport.play(render_take(takes[0]), title=title, key=f"take.{takes[0].take_id}")
    redraw()


def duration(seconds: float) -> str:
    """Seconds as 1:02:03 or 2:03."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
