# SPDX-License-Identifier: Apache-2.0
"""Archives that ask for much, given to everything that reads one: each ends with one error, little memory is used, no
more disk than there is, and nothing half written is left.

Each reader is a process of its own. A file of more than 64 MiB cannot be written in it, as on a disk that is full.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support import programs
from support.bombs import BOMBS

HERE = Path(__file__).resolve().parents[1]
MEMORY = 160 << 20
"""Bytes that a reader may use more than it had before: less than any of the archives asks for."""
READ = r"""
import json, os, resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from support import bombs
from imagebuild.errors import WcowError

root, kind = Path(sys.argv[3]), sys.argv[4]
os.environ["TMPDIR"] = str(root / "tmp")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def cp(stream):
    from imagebuild.runtime.snapshots.archive_write import write
    from imagebuild.runtime.snapshots.drive import Drive
    from imagebuild.runtime.snapshots.merged import Merged
    write(Drive(Merged([root / "layer", root / "upper"])), (), stream)

def context(stream):
    from imagebuild.builder.context.tar import TarTree
    TarTree(stream, folder=root / "tmp").close()

def load(stream):
    from imagebuild.engine.events import Events
    from imagebuild.engine.images.transfer.archive import load as take
    from imagebuild.engine.images.collection import Images
    from imagebuild.engine.settings import EngineSettings
    take(Images(EngineSettings(root / "engine"), Events()), stream, quiet=True, say=lambda message: None)

for name in ("layer", "upper", "tmp", "engine"):
    (root / name).mkdir()
work = {"cp": cp, "context": context, "load": load}[kind]
resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
try:
    work(__import__("io").BytesIO(bytes(10240)))  # everything is imported before it is measured
except WcowError:
    pass
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before, out = peak(), {}
for name in bombs.BOMBS:
    try:
        work(bombs.opened(name))
        said = "nothing"
    except WcowError as error:
        said = str(error)
    left = [str(path.relative_to(root)) for folder in ("upper", "tmp") for path in (root / folder).rglob("*")]
    left += [str(path.relative_to(root)) for path in (root / "engine").rglob("*") if path.stat().st_size > 1 << 16]
    out[name] = [said, left, peak() - before]
print(json.dumps(out))
"""


@pytest.mark.parametrize("reader", ["cp", "context", "load"])
def test_a_bomb_ends_with_one_error_and_leaves_nothing(reader: str, tmp_path: Path) -> None:
    done = programs.run(sys.executable, "-c", READ, HERE, HERE.parent, tmp_path, reader, cwd=Path("/"), timeout=240)
    found = json.loads(done.stdout)
    assert set(found) == set(BOMBS)
    for name, (said, left, memory) in found.items():
        assert said != "nothing", name
        assert len(said) < 600 and str(tmp_path) not in said, (name, said)
        assert not left, (name, said, left)
        assert memory < MEMORY, (name, said, memory >> 20)
