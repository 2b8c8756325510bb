"""Two processes of one training make the steps of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from composer_core.model.composer.training import Trainer
from composer_core.model.distributed import ALONE, join_ranks
from tiny_models import tiny_config, tiny_data, tiny_vocabulary

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from pathlib import Path
from composer_core.model.distributed import join_ranks, leave_ranks
from composer_core.model.composer.training import Trainer
from tiny_models import tiny_config, tiny_data, tiny_vocabulary
ranks = join_ranks()
assert ranks.size == 2
trainer = Trainer(Path(sys.argv[1]), tiny_config(dropout=0.0), tiny_data(tiny_vocabulary()), ranks)
trainer.run(lambda _: None, lambda: False)
leave_ranks()
"""


def losses_of(folder: Path) -> list[float]:
    return [json.loads(row)["loss"] for row in (folder / "metrics.jsonl").read_text().splitlines()]


def test_without_torchrun_a_process_is_alone() -> None:
    assert join_ranks() is ALONE
    assert ALONE.is_first
    assert ALONE.agree(0.25) == 0.25


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*line, str(tmp_path / "two")], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    trainer = Trainer(tmp_path / "one", tiny_config(dropout=0.0), tiny_data(tiny_vocabulary()))
    trainer.run(lambda _: None, lambda: False)
    assert losses_of(tmp_path / "two") == pytest.approx(losses_of(tmp_path / "one"), rel=1e-3)
    assert (tmp_path / "two" / "model" / "config.json").is_file()
    assert (tmp_path / "two" / "checkpoint.pt").is_file()
