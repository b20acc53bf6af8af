# SPDX-License-Identifier: Apache-2.0
"""Runs the integration targets of Ansible's Windows collections on a ``wcow host``: ``python scripts/host_suites.py``.

``WCOW_SUITES`` names a folder with the checkouts ``ansible.windows`` and ``community.windows``. Arguments are names of
targets (default: all); ``--connection psrp|winrm`` may be repeated (default: both); ``--page FILE`` writes what became
of each target that has been run, in this run and in those before it. A target is whole when each of its tasks did what
its authors expect. Exit code 1 when the bar is missed, 3 when no target could run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[1]
sys.path += [str(TOP), str(TOP / "tests")]

if TYPE_CHECKING:
    from support.ansible_hosts import Host

COLLECTIONS = {"ansible.windows": "https://github.com/ansible-collections/ansible.windows",
               "community.windows": "https://github.com/ansible-collections/community.windows"}
KEPT = TOP / ".suites" / "hosts"
SECONDS = 1800
"""A target that takes longer is ended."""
FIRST = ("win_ping", "win_file", "win_regedit", "win_template", "win_environment", "win_path", "win_shell",
         "win_powershell", "win_command", "win_copy", "win_stat", "win_find", "win_reg_stat", "win_wait_for", "win_acl",
         "win_owner", "win_get_url", "win_service", "win_service_info", "win_user", "win_group", "win_reboot",
         "async_status")
"""What playbooks use most; of these the bar speaks."""
BAR = 12
HEAD = """\
# Ansible's Windows modules on a stand-in host

Made by `make host-suites` with the checkouts that `WCOW_SUITES` names. The integration targets of `ansible.windows` and
`community.windows` run as their authors wrote them, on a [`wcow host`](../guides/stand-in-host.md), by Ansible's own
`psrp` and `winrm` connections. A target is whole when each task did what its authors expect; of another one the first
task that stops it is named, with what it said. The tasks before it passed.

"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a target by one connection: tasks that passed, and the one that stopped it."""

    collection: str
    target: str
    connection: str
    whole: bool
    passed: int
    task: str = ""
    said: str = ""
    commit: str = ""
    seconds: float = 0.0


def main() -> int:
    """Run what is asked for."""
    from support import ansible_hosts, programs

    options = _options()
    found = _targets(Path(os.environ.get("WCOW_SUITES", "")))
    if not found:
        where = os.environ.get("WCOW_SUITES") or "suites"
        print("Ansible's targets are in no package. To run them:", *(
            f"    git clone {url} {where}/{name}" for name, url in COLLECTIONS.items()),
            f"    make host-suites WCOW_SUITES={where}", sep="\n", file=sys.stderr)
        return 3
    wanted = [one for one in found if not options.targets or one.name in options.targets]
    wanted.sort(key=lambda one: (FIRST.index(one.name) if one.name in FIRST else len(FIRST), one.name))
    KEPT.mkdir(parents=True, exist_ok=True)
    try:
        for connection in options.connections or ["psrp", "winrm"]:
            with ansible_hosts.host() as host:
                for target in wanted:
                    one = run(host, target, connection)
                    _keep(one)
                    print(f"{one.target} {one.connection}: {'whole' if one.whole else one.task} ({one.passed} passed, "
                          f"{one.seconds:.0f} s)", flush=True)
                    if not one.whole:
                        host.wcow("reset", "-f", host.name)
                        host.document.update(json.loads(host.wcow("list", "--format", "json"))[0])
    except programs.Unavailable as error:
        print(f"the targets cannot run here: {error}", file=sys.stderr)
        return 3
    outcomes = kept()
    if options.page:
        options.page.write_text(page(outcomes), encoding="utf-8")
    return 0 if options.targets or _first(outcomes) >= BAR else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/host_suites.py", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--connection", dest="connections", action="append", choices=("psrp", "winrm"))
    parser.add_argument("--page", type=Path, metavar="FILE")
    return parser.parse_args()


def _targets(root: Path) -> list[Path]:
    """The folders of the targets that are there: roles of win_ modules and of what they stand on."""
    return [folder for name in COLLECTIONS for folder in sorted((root / name / "tests/integration/targets").glob("*"))
            if (folder / "tasks").is_dir() and not folder.name.startswith("setup_")] if str(root) != "." else []


def run(host: Host, target: Path, connection: str) -> Outcome:
    """Play one target."""
    collection = target.parents[3].name
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=host.root) as temporary:
        folder = Path(temporary)
        for name in COLLECTIONS:
            place = folder / "collections" / "ansible_collections" / name.replace(".", "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target.parents[4] / name)
        variables = {"resource_prefix": "wcowtest", "tiny_prefix": "wt", "output_dir": str(folder / "output")}
        (folder / "output").mkdir()
        (folder / "hosts.json").write_text(json.dumps({"windows": {"hosts": {
            "win": host.controller(connection).variables}}}))
        (folder / "play.yml").write_text(json.dumps([
            {"hosts": "windows", "gather_facts": True, "vars": variables, "roles": [target.name]}]))
        environment = {
            **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_ROLES_PATH": str(target.parent), "ANSIBLE_CALLBACKS_ENABLED": "wcow_results",
            "ANSIBLE_CALLBACK_PLUGINS": str(TOP / "tests/support/ansible_callback"), "ANSIBLE_NOCOLOR": "1",
            "WCOW_RESULTS": str(folder / "results"), "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "1"}
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", folder / "hosts.json", folder / "play.yml"]
        try:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS,
                                  check=False)
            code, printed = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            code, printed = -1, f"it took longer than {SECONDS} s"
        results = folder / "results"
        rows = [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []
        shutil.rmtree(folder / "home", ignore_errors=True)
    passed = sum(row["state"] == "ok" for row in rows)
    stopped = next((row for row in reversed(rows) if row["state"] in ("failed", "unreachable")), None)
    task, said = "", ""
    if code == -1:
        task, said = rows[-1]["task"] if rows else "", printed
    elif code:
        task, said = (stopped["task"], _words(stopped["result"])) if stopped else ("", printed.strip()[-300:])
    return Outcome(collection, target.name, connection, code == 0, passed, task, said, _commit(target),
                   time.monotonic() - began)


def _words(result: dict[str, object]) -> str:
    """What a task that failed said: its message, or what was not as expected."""
    said = str(result.get("msg") or result.get("exception") or result.get("stderr") or "")
    if result.get("assertion"):
        said = f"not so: {result['assertion']}"
    return " ".join(said.split())[:240]


def _commit(target: Path) -> str:
    done = subprocess.run(["git", "-C", target, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:12]


def _keep(one: Outcome) -> None:
    (KEPT / f"{one.collection}-{one.target}-{one.connection}.json").write_text(json.dumps(asdict(one)))


def kept() -> list[Outcome]:
    """What became of all targets that have been run."""
    return [Outcome(**json.loads(path.read_text())) for path in sorted(KEPT.glob("*.json"))]


def _first(outcomes: list[Outcome]) -> int:
    """How many of :data:`FIRST` are whole by each connection that they were run by."""
    return sum(bool(mine) and all(one.whole for one in mine) for mine in (
        [one for one in outcomes if one.target == name] for name in FIRST))


def page(outcomes: list[Outcome]) -> str:
    """The page."""
    text = HEAD
    text += f"Of the {len(FIRST)} targets that playbooks use most, {_first(outcomes)} are whole (the bar: {BAR}).\n"
    for name, url in COLLECTIONS.items():
        mine = [one for one in outcomes if one.collection == name]
        if not mine:
            continue
        text += (f"\n## [{name}]({url})\n\n| target | psrp | winrm | the first task that stops it | what it said |\n"
                 "|---|---|---|---|---|\n")
        for target in sorted({one.target for one in mine}):
            ways = {one.connection: one for one in mine if one.target == target}
            stopped = next((one for one in ways.values() if not one.whole), None)
            cells = [f"{'whole' if ways[way].whole else 'stops'}, {ways[way].passed}" if way in ways else "not run"
                     for way in ("psrp", "winrm")]
            task, said = (stopped.task, stopped.said) if stopped else ("", "")
            text += f"| {target} | {cells[0]} | {cells[1]} | {_cell(task)} | {_cell(said)} |\n"
    return text + "\nThe numbers count the tasks that passed.\n"


def _cell(text: str) -> str:
    for mark in "\\`*_{}[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return text


if __name__ == "__main__":
    sys.exit(main())
