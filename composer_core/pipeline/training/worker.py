"""The training process: it reads the loops, trains, writes its progress into the run's folder, and stops on request.

`runs` starts it detached and watches it; `composer train` is its command.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from composer_core.errors import ComposerError, NotFound
from composer_core.logs import named, shown_path
from composer_core.music.loop import Loop
from composer_core.pipeline.training.permitted_sets import loops_of
from composer_core.pipeline.training.windows import prepare_data, read_data
from composer_core.store import runs as store
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.model.composer.training import TrainingProgress
    from composer_core.model.config import TrainConfig
    from composer_core.model.distributed import Ranks

_log = logging.getLogger(__name__)

HEARTBEAT_SEC = 1.0


def train_run(
    folder: Path,
    config: TrainConfig,
    data: Path | Workspace,
    say: Callable[[str], None] = lambda _: None,
    read_loops: Callable[[], list[Loop]] | None = None,
    until: int = 0,
) -> bool:
    """Train in this process; goes on from the folder's checkpoint when there is one.

    `read_loops` gives other loops than all parts of `data`; `until` (not 0) finishes at that step
    of the schedule and keeps its weights, not the best ones on the dev takes.

    True when finished, False when stopped by SIGTERM or Ctrl-C (a checkpoint is kept). The
    folder's state says crashed, with the reason, when an error ends the run. Started by
    torchrun, the processes share each batch; the first one prepares the data, writes and says.
    """
    from composer_core.model.distributed import join_ranks, leave_ranks

    ranks = join_ranks()
    if not ranks.is_first:
        say = _nothing
    beat = _Heartbeat(folder, ranks.is_first)
    beat.write("running", "", force=True)
    run, tell = shown_path(folder), _log.info if ranks.is_first else _log.debug
    tell("run %s: training of %s begins", run, config.instrument)
    try:
        finished = _train(folder, config, _reader(config, data, say, read_loops), until, beat, say, ranks)
        beat.write("finished" if finished else "stopped", "", force=True)
        tell("run %s: %s at step %d", run, "finished" if finished else "stopped", beat.step)
        return finished
    except (ComposerError, MemoryError, RuntimeError) as error:
        _log.error("run %s: crashed at step %d: %s", run, beat.step, named(error))
        beat.write(
            "crashed", str(error).split("\n")[0], error if isinstance(error, ComposerError) else None, force=True
        )
        raise
    finally:
        leave_ranks()


def _nothing(_: str) -> None:
    """What the other processes of a training say."""


def _reader(
    config: TrainConfig,
    data: Path | Workspace,
    say: Callable[[str], None],
    read_loops: Callable[[], list[Loop]] | None,
) -> Callable[[], list[Loop]]:
    """What reads the loops to train on; NotFound where there are none."""
    from composer_core.model.config import SHARED

    learnt = None if config.instrument == SHARED else config.instrument

    def read() -> list[Loop]:
        """All loops to train on; NotFound where there are none."""
        loops = read_loops() if read_loops is not None else loops_of(data, learnt, say)
        if not loops:
            where = str(data.root if isinstance(data, Workspace) else data)
            raise NotFound("no_notes", path=where, instrument=config.instrument, purpose="train on")
        return loops

    return read


def _train(
    folder: Path,
    config: TrainConfig,
    read_loops: Callable[[], list[Loop]],
    until: int,
    beat: _Heartbeat,
    say: Callable[[str], None],
    ranks: Ranks,
) -> bool:
    from composer_core.model.composer.training import Trainer

    if ranks.is_first:
        prepare_data(folder, config, read_loops, say)
    ranks.wait()
    trainer = Trainer(folder, config, read_data(folder), ranks)
    beat.device_name, beat.steps = trainer.device.name, trainer.steps
    say(f"{trainer.composer.n_parameters} parameters, {trainer.steps} steps on {trainer.device.name}")
    with _stop_requested() as asked:
        finished = trainer.run(_reporter(beat, say), lambda: asked() or 0 < until <= trainer.step)
        if 0 < until <= trainer.step and not asked():
            trainer.keep()
            finished = True
    return finished


class _Heartbeat:
    """Writes state.json at most once a second."""

    def __init__(self, folder: Path, active: bool = True) -> None:
        self.folder, self.active = folder, active
        self.device_name, self.step, self.steps, self._last = "", 0, 0, 0.0

    def write(self, state: str, message: str, error: ComposerError | None = None, force: bool = False) -> None:
        """Say what the run does (a state of the run store) with a sentence, and the error that ended it; `force`
        whenever it was last said."""
        if self.active and (force or time.monotonic() - self._last >= HEARTBEAT_SEC):
            self._last = time.monotonic()
            said = store.heartbeat_state(state, self.step, self.steps, self.device_name, message, error)
            store.write_state(self.folder, said)


def _reporter(beat: _Heartbeat, say: Callable[[str], None]) -> Callable[[TrainingProgress], None]:
    def report(progress: TrainingProgress) -> None:
        """Beat at every step; a sentence at each validation."""
        beat.step, beat.steps = progress.step, progress.steps
        beat.write("running", "")
        if progress.validation is not None:
            say(f"step {progress.step}/{progress.steps}: loss {progress.loss:.3f} nats a token, {_nll(progress)}")

    return report


def _nll(progress: TrainingProgress) -> str:
    return f"held-out takes {progress.validation:.3f} nats a note, {progress.tokens_per_sec:.0f} tokens a second"


@contextlib.contextmanager
def _stop_requested() -> Iterator[Callable[[], bool]]:
    """A question whether SIGTERM or Ctrl-C arrived since; the old handlers come back at the end."""
    asked: list[int] = []
    names = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(name, lambda number, _frame: asked.append(number)) for name in names]
    try:
        yield lambda: bool(asked)
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
