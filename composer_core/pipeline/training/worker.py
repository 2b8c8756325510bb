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
    """Train in this process, from the folder's checkpoint when there is one.

    `read_loops` returns the loops to train on instead of all parts of `data`. `until` (not 0) ends
    the training at that step of the schedule and keeps the weights of that step, not those that
    are best on the dev takes.

    True when finished, False when stopped by SIGTERM or Ctrl-C (a checkpoint is kept). When an
    error ends the run, the folder's state is 'crashed' with the reason. Several processes started
    by torchrun share each batch; the first one prepares the data, writes the files and reports.
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
    """Report nothing: the `say` of all processes but the first."""


def _reader(
    config: TrainConfig,
    data: Path | Workspace,
    say: Callable[[str], None],
    read_loops: Callable[[], list[Loop]] | None,
) -> Callable[[], list[Loop]]:
    """Make the function that reads the loops to train on."""
    from composer_core.model.config import SHARED

    learnt = None if config.instrument == SHARED else config.instrument

    def read() -> list[Loop]:
        """Read all loops to train on; NotFound when there are none."""
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
    """Writes the run's state.json, at most once a second unless forced."""

    def __init__(self, folder: Path, active: bool = True) -> None:
        self.folder, self.active = folder, active
        self.device_name, self.step, self.steps, self._last = "", 0, 0, 0.0

    def write(self, state: str, message: str, error: ComposerError | None = None, force: bool = False) -> None:
        """Write a state of the run store with a message, and the error that ended the run, if any.

        With `force` it is written even if the last write was less than a second ago.
        """
        if self.active and (force or time.monotonic() - self._last >= HEARTBEAT_SEC):
            self._last = time.monotonic()
            said = store.heartbeat_state(state, self.step, self.steps, self.device_name, message, error)
            store.write_state(self.folder, said)


def _reporter(beat: _Heartbeat, say: Callable[[str], None]) -> Callable[[TrainingProgress], None]:
    def report(progress: TrainingProgress) -> None:
        """Update the heartbeat at every step, and report each validation."""
        beat.step, beat.steps = progress.step, progress.steps
        beat.write("running", "")
        if progress.validation is not None:
            say(f"step {progress.step}/{progress.steps}: loss {progress.loss:.3f} nats a token, {_nll(progress)}")

    return report


def _nll(progress: TrainingProgress) -> str:
    return f"held-out takes {progress.validation:.3f} nats a note, {progress.tokens_per_sec:.0f} tokens a second"


@contextlib.contextmanager
def _stop_requested() -> Iterator[Callable[[], bool]]:
    """Catch SIGTERM and Ctrl-C: yields a function that says whether one arrived. The old handlers are restored."""
    asked: list[int] = []
    names = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(name, lambda number, _frame: asked.append(number)) for name in names]
    try:
        yield lambda: bool(asked)
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
