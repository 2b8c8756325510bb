"""Settings of the whole test run."""

from __future__ import annotations

import os

# Small tensors on several threads wait for each other longer than they compute, most of all on a
# busy machine; set before torch is imported, and inherited by the processes the tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ("postgres_server",)
