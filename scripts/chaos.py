#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill -9 of the embedded engine at random moments of its work; see ``tests/support/chaos.py`` for what must hold.

    scripts/chaos.py [--count 200] [--seed N] [--as-user]

Exit code 1 when anything was lost or left, 3 when the engine cannot run here.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "tests")]

from support import chaos, engine, programs, users  # noqa: E402


def main() -> int:
    """Do as the arguments say."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="what is done, and when it ends")
    parser.add_argument("--as-user", action="store_true", help="as an ordinary user, who is made when we are root")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    try:
        user = users.ordinary() if asked.as_user else users.ourselves()
        chaos.kills(asked.count, asked.seed, user, lambda line: print(line, flush=True))
    except programs.Unavailable as error:
        print(f"cannot: {error}")
        return 3
    except (AssertionError, engine.Left) as error:
        print(f"wrong: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
