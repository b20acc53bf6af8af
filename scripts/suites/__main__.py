# SPDX-License-Identifier: Apache-2.0
"""Runs other people's tests against the embedded engine: ``python scripts/suites [SUITE…]``.

``--as root|user`` names the account of the engine (default: the one that starts this; may be repeated);
``--part EXPRESSION`` runs only some tests (pytest's ``-k``); ``--page FILE`` writes what became of each suite, and
keeps what the page says of suites that were not run; ``--reports DIR`` keeps the reports, which say why a test failed.
The tests run as the engine's account. Exit code 1 when a suite stays below the bar, 3 when no suite could run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources import Source
    from support.engine import Engine

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path += [str(TOP), str(TOP / "tests")]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def main() -> int:
    """Run the suites that are named, or all."""
    import hub
    import images
    import pester
    from outcome import Outcome, read
    from page import page
    from sources import KEPT, SUITES, Missing, find
    from support import engine, programs, users

    options = _options([suite.name for suite in SUITES])
    sources: list[Source] = []
    for suite in SUITES:
        if options.suites and suite.name not in options.suites:
            continue
        try:
            sources.append(find(suite))
        except Missing as error:
            print(f"left out: {error}", file=sys.stderr)
    if not sources:
        return 3
    outcomes: list[Outcome] = []
    left = False  # an engine that was stopped left a process, a mount or a namespace
    try:
        with (tempfile.TemporaryDirectory(prefix="wcow-suites-") as temporary, programs.registry() as registry,
              hub.serving(registry.host, {image.repository for image in images.IMAGES}) as host):
            folder = Path(temporary)
            folder.chmod(0o711)  # the accounts write their reports below it
            images.put(KEPT, registry)
            # Nothing on the internet is asked: what stands in for Docker Hub, and registries that tests start.
            registries = _free_ports(8)
            rules = [f"docker.io=http://{host}", *(f"localhost:{port}=localhost:{port}" for port in registries)]
            os.environ.update({"WCOW_MIRRORS": ",".join(rules), "WCOW_AIR_GAPPED": "1",
                               "WCOW_SUITE_PORTS": ",".join(registries)})
            for source in sources:
                for kind in options.accounts or [users.ourselves().kind]:
                    user = users.find(kind)
                    report = folder / f"{source.suite.name}-{kind}" / "report.xml"
                    report.parent.mkdir()
                    user.own(report.parent)
                    try:
                        with engine.engine(user=user) as made:
                            if source.suite.pester:
                                pester.run(source, made, report, options.part)
                            else:
                                _clients(source, made, report, options.part)
                    except engine.Left as error:
                        left = True
                        print(error, file=sys.stderr)
                    outcomes.append(read(source, report, kind))
                    if options.reports and report.exists():
                        options.reports.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(report, options.reports / f"{report.parent.name}.xml")
                    print(outcomes[-1].line(), flush=True)
    except programs.Unavailable as error:
        print(f"the suites cannot run here: {error}", file=sys.stderr)
        return 3
    if options.page:
        before = options.page.read_text("utf-8") if options.page.exists() else ""
        options.page.write_text(page(outcomes, before), encoding="utf-8")
    return 1 if left or any(one.percent < one.source.suite.bar for one in outcomes) else 0


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/suites", description="Other people's tests against the engine.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--as", dest="accounts", action="append", choices=("root", "user"), help="the engine's account")
    parser.add_argument("--part", default="", metavar="EXPRESSION", help="only the tests that pytest's -k selects")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="keep the reports there (JUnit's XML)")
    options = parser.parse_args()
    for name in options.suites:
        if name not in names:
            parser.error(f"{name} is not one of {', '.join(names)}")
    return options


def _free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [str(sock.getsockname()[1]) for sock in made]


def _clients(source: Source, made: Engine, report: Path, part: str) -> None:
    """Run a suite of the Docker API's clients against an engine."""
    import relay
    from sources import environment
    from support import engine

    python = environment(source)
    made.docker("rmi", engine.IMAGE)
    for image in source.suite.images:
        made.docker("pull", image)
    with contextlib.ExitStack() as stack:
        where = made.host
        if source.suite.tcp:
            where = f"tcp://{stack.enter_context(relay.serving(made.socket))}"
        _run(source, python, made, where, report, part)


def _run(source: Source, python: Path, made: Engine, host: str, report: Path, part: str) -> None:
    """Run pytest with the adapter, as the suite's authors start it and as the engine's account."""
    from support import programs

    suite, user = source.suite, made.user
    files = made.folder / "suite"
    files.mkdir(exist_ok=True)
    files.chmod(0o777)
    settings = made.config / "config.json"  # without one docker-py keeps its contexts in the current folder
    if not settings.exists():
        settings.write_text("{}", encoding="utf-8")
        user.own(settings)
    modules = [str(HERE)]
    if user.drop:  # our own Python may lie in a folder that the account cannot enter
        modules += map(str, python.parents[1].glob("lib/python*/site-packages"))
        python = Path(user.python)
    kept = {name: value for name, value in user.environment().items()
            if not name.startswith(("WCOW_", "DOCKER_", "PYTHON", "PYTEST_"))}
    env = {**kept, **made.env, "DOCKER_HOST": host, "WCOW_SUITE": suite.name, "WCOW_SUITE_ACCOUNT": user.kind,
           "WCOW_SUITE_PORTS": os.environ["WCOW_SUITE_PORTS"],
           "PYTHONPATH": os.pathsep.join(modules), "TMPDIR": str(files), "HOME": str(made.fresh()),
           "PYTHONDONTWRITEBYTECODE": "1", "DOCKER_TEST_API_VERSION": "1.45", **suite.environment,
           **({"WCOW_SUITES_PART": part} if part else {})}
    command = [python, "-m", "pytest", "-p", "adapter", "-p", "no:cacheprovider", "-ra", *suite.arguments,
               f"--junitxml={report}", *(["-k", part] if part else []), *suite.tests]
    if suite.own_tmp:
        shown = (made.root.parent, source.folder, report.parent)
        command = [programs.find("bwrap"), "--dev-bind", "/", "/", "--tmpfs", "/tmp", "--chmod", "1777", "/tmp",
                   *(word for folder in shown for word in ("--bind", folder, folder)), "--die-with-parent", *command]
    subprocess.run([str(word) for word in command], cwd=source.folder, env=env, check=False, **user.popen())


if __name__ == "__main__":
    sys.exit(main())
