# SPDX-License-Identifier: Apache-2.0
"""Builds one context with crane, BuildKit, buildah and wcow, and says what each wrote: ``python scripts/peers``.

Writes ``docs/peers.md``, or the file that is named. Needs the Debian packages of the tests, and root for dockerd.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path += [str(TOP), str(TOP / "tests")]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def main() -> None:
    """Build, look, write."""
    from makers import Makers
    from page import page
    from support import programs

    target = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else TOP / "docs/peers.md"
    try:
        with (tempfile.TemporaryDirectory(prefix="wcow-peers-") as folder, programs.registry() as registry,
              programs.dockerd(containerd_store=True) as daemon):
            _alone(Path(folder))
            makers = Makers(Path(folder), registry)
            made = [makers.crane(), makers.buildkit(daemon), makers.buildah(), makers.wcow()]
            text = page([(one, makers.lint(one)) for one in made])
    except programs.Unavailable as error:
        sys.exit(f"the peers cannot be compared here: {error}")
    target.write_text(text, encoding="utf-8")
    print(target)


def _alone(folder: Path) -> None:
    """Let no login, configuration or image of the user take part; only crane, once built, stays."""
    from support import programs

    os.environ.setdefault("WCOW_TEST_CACHE", str(programs.user_cache()))
    for name in [name for name in os.environ if name.startswith("WCOW_") and name != "WCOW_TEST_CACHE"]:
        del os.environ[name]
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"):
        os.environ[name] = str(folder / name.lower())
        (folder / name.lower()).mkdir()
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    os.chdir(folder)


if __name__ == "__main__":
    main()
