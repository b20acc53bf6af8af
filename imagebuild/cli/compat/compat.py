# SPDX-License-Identifier: Apache-2.0
"""``wcow compat``: does this image run on that host, and what does an engine take from an index?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from ...compat.documents import Subject
from ...compat.facts import pick_facts, report_facts
from ...compat.image import from_platform
from ...compat.peers import TOOLS, taken
from ...compat.picks import pick as pick_entry
from ...compat.report import check as check_pair
from ...compat.rules.generations import Generation, matches
from ...compat.verdict import Answer
from ...errors import UsageError, quoted
from ...oci import Platform
from ...windows.facts.host import HostFacts, Isolation, Store
from ...windows.releases import RELEASES, UPDATED, find_release
from ..lazy import Commands
from ..options import ImageOrFile, format_option, progress_option, settings_from, wanted_platform
from ..output import print_json, print_lines, table
from ..render import Style
from .matrix import matrix
from .options import engine_for, engine_options, host_of, host_options, image_options, subject_for
from .text import pick_lines, report_lines, tool_lines


@click.group(cls=Commands)
def compat() -> None:
    """Does this image run on that host? Three answers: what Microsoft supports, what the engine takes, what Windows
    starts. They may differ."""


compat.add_command(matrix)


@compat.command()
@click.argument("name", metavar="IMAGE", type=ImageOrFile())
@click.option("--host", "host", required=True, metavar="HOST",
              help="A version (10.0.26200.7171, ltsc2022, 'Windows 11 25H2'), a file of facts (docker info, docker "
                   "version, Ansible, Kubernetes node, wcow doctor facts), local, or an address (winrm://…, ssh://…, "
                   "tcp://…, host://NAME, a name of [hosts]): that host is asked.")
@host_options
@engine_options
@click.option("--look-inside", is_flag=True,
              help="Read the layers, too: is there a utility VM, and which version is in the registry?")
@click.option("--strict", is_flag=True, help="Only a sure yes that Microsoft supports counts for the exit code.")
@image_options
@progress_option
@format_option
@click.pass_context
def check(ctx: click.Context, /, name: str, host: str, engine: str | None, store: Store | None,
          generation: Generation | None, isolation: Isolation | None, look_inside: bool, strict: bool,
          progress: Style, as_json: bool, local_store: str | None, **options: Any) -> int:
    """Say whether IMAGE runs on a host, and why.

    IMAGE is a name, a file (a saved index or config, what docker image inspect prints, the SOFTWARE hive of a base), or
    a Windows version (ltsc2022, 10.0.20348.2527). Of an index the entry is judged that the engine would take.

    Exit code: 0 it runs, or should, or may; 1 it does not, or cannot be judged; 2 bad usage or input; 3 a registry or
    store failed.

    \b
    Examples:
      wcow compat check app:1 --host 10.0.20348.2527
      wcow compat check index.json --host 10.0.26200.7171 --engine docker-29.6 --store containerd
      docker info --format json > host.json; wcow compat check ltsc2022 --host host.json
      wcow compat check app:1 --host winrm://Administrator@build1
    """
    said = {name: options.pop(name) for name in ("product", "architecture", "hyperv")}
    settings = settings_from(ctx, store=local_store, **options)
    hosts = host_of(host, settings, **said)
    subject = subject_for(name, settings, inside=look_inside, progress=progress)
    today = datetime.now(UTC).date()
    good = True
    documents = []
    for number, machine in enumerate(hosts):
        chosen = engine_for(machine, engine, store, generation)
        if number and not as_json:
            click.echo()
        if subject.image is not None:
            report = check_pair(machine, subject.image, isolation, engine=chosen, today=today)
            documents.append(report_facts(report))
            lines: Iterator[str] = report_lines(report)
            good &= _good(report.runs, strict and report.support.answer == "no", strict)
        else:
            found = pick_entry(subject.entries, machine, chosen, isolation=isolation, today=today)
            documents.append(pick_facts(found))
            lines = pick_lines(subject, found, every=False)
            unsupported = found.report is not None and found.report.support.answer == "no"
            good &= _good(found.runs, strict and unsupported, strict)
        if not as_json:
            print_lines(lines)
    if as_json:
        print_json({"name": name, "results": documents})
    return 0 if good else 1


@compat.command()
@click.argument("name", metavar="INDEX", type=ImageOrFile())
@click.option("--host", "host", required=True, metavar="HOST", help="As for 'compat check'.")
@host_options
@engine_options
@click.option("--platform", metavar="OS/ARCH", help="What the user asks the engine for, like windows/amd64.")
@image_options
@progress_option
@format_option
@click.pass_context
def pick(ctx: click.Context, /, name: str, host: str, engine: str | None, store: Store | None,
         generation: Generation | None, isolation: Isolation | None, platform: str | None, progress: Style,
         as_json: bool, local_store: str | None, **options: Any) -> int:
    """Show which entry of INDEX an engine takes on a host, why the others are passed over, and whether it runs.

    Engines choose in list order, and some compare versions as text: what they take is not always what runs best. With
    --engine crane, ko, skopeo or buildkit it is what that tool takes, which knows of no host; --platform is what it was
    asked for.

    \b
    Examples:
      wcow compat pick app:1 --host 10.0.22631
      wcow compat pick index.json --host ltsc2025 --engine containerd-1.7
    """
    said = {name: options.pop(name) for name in ("product", "architecture", "hyperv")}
    settings = settings_from(ctx, store=local_store, **options)
    hosts = host_of(host, settings, **said)
    subject = subject_for(name, settings, inside=False, progress=progress)
    if subject.image is not None:
        raise UsageError(f"{name} is one image, not an index", hint=f"wcow compat check {name} --host {host}")
    asked = wanted_platform(platform, None) if platform else None
    today = datetime.now(UTC).date()
    if engine in TOOLS:
        return _tool(engine, subject, hosts, asked, isolation, as_json)
    found = [pick_entry(subject.entries, machine, engine_for(machine, engine, store, generation),
                        requested=asked, isolation=isolation, today=today) for machine in hosts]
    if as_json:
        print_json({"name": name, "results": [pick_facts(item) for item in found]})
    else:
        for number, item in enumerate(found):
            if number:
                click.echo()
            print_lines(pick_lines(subject, item, every=True))
    return 0 if all(_good(item.runs, False, False) for item in found) else 1


def _tool(name: str, subject: Subject, hosts: list[HostFacts], asked: Platform | None, isolation: Isolation | None,
          as_json: bool) -> int:
    """What a tool takes that knows of no host, and whether it runs on each."""
    tool = TOOLS[name]
    wanted = asked or tool.default or Platform("windows", hosts[0].architecture or "amd64")
    # G2 is the rule of BuildKit; the others compare no builds.
    places = taken(name, subject.entries, wanted, accepts=partial(matches, "G2"))
    today = datetime.now(UTC).date()
    place = places[0] if places else None
    image = from_platform(subject.entries[place]) if place is not None else None
    reports = [check_pair(host, image, isolation, today=today) for host in hosts] if image else []
    if as_json:
        print_json({"name": subject.name, "tool": name, "requested": str(wanted), "place": place,
                    "compares": tool.compares, "source": tool.source,
                    "reports": [report_facts(report) for report in reports]})
    else:
        print_lines(tool_lines(tool, subject, wanted, place))
        for report in reports:
            click.echo()
            print_lines(report_lines(report))
    return 0 if reports and all(_good(report.runs, False, False) for report in reports) else 1


@compat.command()
@click.argument("build", required=False, metavar="[RELEASE]")
@format_option
def builds(build: str | None, as_json: bool) -> None:
    """List the Windows releases that are known, or tell all of one: builds, tags, dates with their sources.

    \b
    Examples:
      wcow compat builds
      wcow compat builds ltsc2022
    """
    chosen = RELEASES
    if build is not None:
        known = find_release(build)
        if known is None:
            raise UsageError(f"no release {quoted(build)} is known", why=f"the table is of {UPDATED}",
                             hint="wcow compat builds lists them; unknown builds are judged by their number")
        chosen = (known,)
    if as_json:
        print_json({"updated": UPDATED.isoformat(), "releases": [_release(known) for known in chosen]})
        return
    if build is None:
        rows = [(str(known.build), known.version, known.server or "-", known.client or "-", known.channel,
                 str(known.core), " ".join(known.tags) or "-",
                 max((item.until.isoformat() for item in known.support), default="-")) for known in chosen]
        print_lines(table(("BUILD", "VERSION", "SERVER", "CLIENT", "CHANNEL", "CORE", "TAGS", "UPDATES UNTIL"), rows))
        click.echo(f"as of {UPDATED}")
        return
    known = chosen[0]
    print_lines([known.name, f"  build      {known.build}, kernel {known.core}", f"  version    {known.version}",
                 f"  channel    {known.channel}", *([f"  client     {known.client}"] if known.client else []),
                 f"  images     {', '.join(known.images) or 'none'}", f"  tags       {', '.join(known.tags) or 'none'}",
                 f"  processors {', '.join(known.architectures)}",
                 *(f"  until      {item.until}  {item.what} ({item.source})" for item in known.support),
                 *([f"  note       {known.note}"] if known.note else []),
                 *(f"  source     {source}" for source in known.sources)])


def _release(known: Any) -> dict[str, Any]:
    return {"build": known.build, "version": known.version, "server": known.server, "client": known.client,
            "channel": known.channel, "core": known.core, "tags": list(known.tags), "images": list(known.images),
            "architectures": list(known.architectures), "note": known.note, "sources": list(known.sources),
            "support": [{"what": item.what, "until": item.until.isoformat(), "source": item.source}
                        for item in known.support]}


def _good(runs: Answer, unsupported: bool, strict: bool) -> bool:
    if strict:
        return runs == "yes" and not unsupported
    return runs in ("yes", "likely", "maybe")
