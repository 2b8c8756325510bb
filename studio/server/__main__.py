"""`python -m studio.server`."""

import sys

from studio.server.launch import main

sys.exit(main())
