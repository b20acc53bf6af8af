# SPDX-License-Identifier: Apache-2.0
"""The engine of a process of the run, opened when it is first needed, and swept then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._report.progress import progress
from .._report.trouble import told
from .engine import engine_number, open_engine
from .images import base_image

if TYPE_CHECKING:
    from imagebuild.containers import Base

    from .._run import Run
    from .engine import Engine


def the_engine(run: Run) -> Engine:
    """The engine of this process. Fails or skips the test where there is none."""
    if run.engine is None:
        from .._signals import catch_sigterm

        options = run.options
        catch_sigterm(run)
        wanted = options.engines[engine_number(run.config, len(options.engines))]
        chosen = run.config.hook.pytest_wcow_engine(config=run.config, wanted=wanted)
        with told(options.missing):
            run.engine = open_engine(str(chosen or wanted), options.max_starts, progress(run.config))
        sweep(run)
    assert run.engine is not None
    return run.engine


def close_engine(run: Run) -> None:
    """Remove what a fixture that failed left, and close the connections."""
    from .._resources.container import end

    if run.engine is not None:
        for made in list(run.made.values()):
            if not made.shared:
                end(run, run.engine, made.container)
        run.leftovers += [f"the folder {one} could not be removed" for one in run.staging.close()]
        run.engine.close()


def image_for(run: Run, engine: Engine, base: Base) -> str:
    """The image of a base: the one of the option, else the usual one of the engine."""
    chosen = run.options.image if base == "nanoserver" else run.options.servercore_image
    if chosen:
        return chosen
    with told():
        return base_image(run, engine, base)
    raise AssertionError  # told() has failed the test


def sweep(run: Run) -> None:
    """Remove what runs left that were killed. Nothing that goes wrong here fails a test."""
    from imagebuild.containers import find_leftovers, remove_leftovers
    from imagebuild.errors import WcowError

    assert run.engine is not None
    client = run.engine.client
    try:
        for one in remove_leftovers(client, find_leftovers(client, run.owner)):
            (run.leftovers if one.failed else run.swept).append(
                f"{one.kind} {one.name} of {one.test or 'an earlier run'}: {one.failed or one.why}")
    except WcowError as error:
        run.leftovers.append(f"the sweep did not end: {error}")
