# SPDX-License-Identifier: Apache-2.0
"""``python -m imagebuild`` is ``wcow``."""

import sys

from .cli import main

sys.exit(main())
