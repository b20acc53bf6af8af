# SPDX-License-Identifier: Apache-2.0
"""``pytest --wcow-check``: are the engines there, and do their images run? No test is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .._state import run_of

if TYPE_CHECKING:
    from imagebuild.containers import Base

    from .._run import Run
    from .engine import Engine


def check(config: pytest.Config) -> int:
    """Print what is found, and return 0, or 1 when tests would fail."""
    from imagebuild.errors import WcowError

    from .._report.trouble import words

    run, code = run_of(config), 0
    for wanted in run.options.engines:
        try:
            for line in _engine(run, wanted):
                print(line, flush=True)
        except WcowError as error:
            print(f"engine {wanted}: {words(error)}")
            code = 1
    return code


def _engine(run: Run, wanted: str) -> Iterator[str]:
    from .engine import open_engine

    engine = open_engine(wanted, run.options.max_starts, lambda line: print(line, flush=True))
    try:
        kind = "the embedded engine (Wine)" if engine.embedded else engine.info.operating_system
        yield f"engine {wanted}: {engine.address}, {kind}, build {engine.build}, {engine.info.server_version}"
        yield from _image(engine, "nanoserver", run.options.image)
        yield from _image(engine, "servercore", run.options.servercore_image)
    finally:
        engine.close()


def _image(engine: Engine, base: Base, chosen: str) -> Iterator[str]:
    from imagebuild.compat import ImageFacts, check, from_docker
    from imagebuild.containers import base_reference

    from .images import image_of, stand_in_name

    name = chosen or (stand_in_name(engine, base) if engine.embedded else base_reference(base, engine.build))
    found = image_of(engine, name)
    if found is None:
        yield f"image {name}: not there; {'made' if engine.embedded and not chosen else 'pulled'} with the first test"
        return
    facts = ImageFacts(found.get("Os", ""), found.get("Architecture", ""), found.get("OsVersion", ""), name=name)
    report = check(from_docker(engine.document), facts)
    yield f"image {name}: {report.summary}"
    yield from (f"  {one}" for one in report.remedies if report.runs == "no")
