"""Make `python -m composer_core.cli` run a command; the studio starts training this way."""

import sys

from composer_core.cli import main

sys.exit(main())
