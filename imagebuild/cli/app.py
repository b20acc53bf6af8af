# SPDX-License-Identifier: Apache-2.0
"""The command's outer shell: which verbs there are, how errors and signals end, and nothing else.

Exit codes: 0 done, 1 found something wrong (lint, compat, doctor), 2 bad usage or input, 3 an engine, host or
registry failed, 70 a fault of ours, 130 interrupted, 141 the reader of our output is gone.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from .. import __version__
from ..errors import FaultError, Interrupted, NotFoundError, OutputError, UsageError, WcowError
from .lazy import LazyGroup
from .streams import standard_streams

VERBS: dict[str, tuple[str, str]] = {
    "build": ("images.build", "Build a Windows image from a Dockerfile."),
    "plan": ("images.build", "Show what a build would do, and do none of it."),
    "copy": ("images.transfer", "Copy an image from one place to another."),
    "push": ("images.transfer", "Send an image of the local store to its registry."),
    "pull": ("images.transfer", "Fetch an image from its registry into the local store."),
    "images": ("images.local", "List the images of the local store."),
    "tag": ("images.local", "Give an image of the local store one more name."),
    "rm": ("images.local", "Remove images from the local store."),
    "system": ("images.system", "Show what images and caches take, and free what nobody needs."),
    "digest": ("images.look", "Print the digest of an image."),
    "inspect": ("images.look", "Show an image's config, layers and platforms."),
    "ls": ("images.look", "List files of an image, with owner, ACL and attributes."),
    "cat": ("images.look", "Print a file of an image."),
    "index": ("images.index", "Put many Windows versions under one name."),
    "diff": ("images.diff", "Compare two images, or two layers."),
    "reg": ("reg.reg", "Read and change the registry of an image, or of a hive in a file."),
    "lint": ("images.lint", "Would Windows take it? Examine an image or a layer."),
    "compat": ("compat.compat", "Does this image run on that host, and what does an engine take?"),
    "doctor": ("doctor.doctor", "Explain a host, or an error text, and say what to do."),
    "engine": ("containers.engine", "A Windows Docker engine on this machine."),
    "run": ("containers.run", "Run one container, without a docker client."),
    "ps": ("containers.ps", "List containers with their processes, here and in Windows."),
    "sweep": ("containers.sweep", "Remove what dead test runs left in an engine."),
    "tunnel": ("hosts.tunnel", "Use a Windows host's engine as if it were here."),
    "host": ("hosts.host", "Windows hosts on this machine, reached over WinRM."),
    "powershell": ("containers.powershell", "PowerShell for the engine's containers: install, status, remove."),
    "base": ("images.base", "Make base images: from scratch, or stand-ins for Microsoft's."),
    "login": ("images.account", "Remember credentials for a registry."),
    "logout": ("images.account", "Forget credentials for a registry."),
    "completion": ("completion", "Print the completion script for a shell."),
}
"""Verb to the module that holds it and its one line of help: the help text must not import every module."""

LONGEST = 1200
"""Characters in one line of an error."""


class Verbs(LazyGroup):
    """The verbs; one that is not there is answered with its neighbour."""

    def resolve_command(self, ctx: click.Context,
                        args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and name not in VERBS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, VERBS, n=1)
            ctx.fail(f"there is no verb '{name}'" + (f"; did you mean '{near[0]}'?" if near else
                                                     "; 'wcow --help' lists them"))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. Click takes every broken pipe for our output's, and ends as if all were well."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise WcowError("a connection broke", why=error.strerror or str(error)) from error


@click.group(cls=Verbs, modules=VERBS, heading="Verbs",
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wcow", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="WCOW_DEBUG", help="Show the traceback of an error.")
@click.option("--config", "config", type=click.Path(readable=False), metavar="FILE", envvar="WCOW_CONFIG",
              help="Configuration file; default: wcow.toml or [tool.wcow] of pyproject.toml, here or above.")
@click.pass_context
def wcow(ctx: click.Context, debug: bool, config: str | None) -> None:
    """Windows container images, built and examined on Linux."""
    ctx.obj = {"debug": debug, "config": config}


def run(args: list[str]) -> int:
    """Run the command and turn every ending into an exit code and at most three lines on standard error."""
    args = _debug_first(args)
    debug = "--debug" in args or bool(os.environ.get("WCOW_DEBUG"))
    previous = _stop_on_signals()
    try:
        with standard_streams() as output:
            code = _run(args, debug)
            try:
                sys.stdout.flush()
            except OutputError as error:
                return _say(error, debug) if code == 0 else code
            # Where the error of a write was taken for something else on its way, it still was no success.
            return _say(output.error(output.lost), debug) if code == 0 and output.lost else code
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _debug_first(args: list[str]) -> list[str]:
    """Take --debug after the verb, too: not after a program's words, which follow ``run`` and ``--``."""
    end = args.index("--") if "--" in args else len(args)
    if "--debug" in args[:end] and "run" not in args[:end]:
        return ["--debug", *(word for word in args[:end] if word != "--debug"), *args[end:]]
    return args


def _run(args: list[str], debug: bool) -> int:
    try:
        for stream in (sys.stdout, sys.stderr):  # a name the terminal's encoding lacks must not end the work
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        value: Any = wcow.main(args=args, prog_name="wcow", standalone_mode=False)
        return value if isinstance(value, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.Abort:  # the exit code and one line tell of it
        return _say(Interrupted("interrupted", hint="nothing half-done was kept"), debug)
    except click.ClickException as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            error.show()
            return error.exit_code
        return _say(_usage(error), debug)
    except KeyboardInterrupt:  # the exit code and one line tell of it
        return _say(Interrupted("interrupted", hint="nothing half-done was kept"), debug)
    except WcowError as error:
        return _say(error, debug)
    except OSError as error:
        if error.filename:
            kind = NotFoundError if isinstance(error, FileNotFoundError) else WcowError
            return _say(kind(f"cannot use {error.filename}", why=error.strerror or str(error)), debug)
        return _say(WcowError("a call of the operating system failed", why=error.strerror or str(error)), debug)
    except Exception as error:
        return _say(_fault(error), debug)


def _usage(error: click.ClickException) -> WcowError:
    """A complaint of click in our form."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "wcow"
    return UsageError(" ".join(error.format_message().split()).removesuffix("."), hint=f"'{verb} --help' shows how")


def _fault(error: Exception) -> FaultError:
    """A mistake of ours. Its text may come from anywhere, so nothing that could be a secret is taken over."""
    from ..stores import redact

    text = redact(" ".join(str(error).split()))[:200]
    return FaultError(f"a fault in wcow: {type(error).__name__}", why=text,
                      hint="please report it, with what --debug shows")


def _say(error: WcowError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if isinstance(error, OutputError) and error.unread:
        return error.exit_code  # as of a program that SIGPIPE ends: the reader has what it wanted
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    what, *rest = error.lines()
    lead = "\x1b[31merror:\x1b[0m" if colour else "error:"
    print(f"{lead} {_cut(what)}", *(f"  {_cut(line)}" for line in rest), sep="\n", file=sys.stderr, flush=True)
    return error.exit_code


def _cut(line: str) -> str:
    """A line as long as a person may read: the names and values in it can have any length."""
    return line if len(line) <= LONGEST else f"{line[:LONGEST // 2]} … {line[-LONGEST // 2:]}"


def _stop_on_signals() -> dict[int, Any]:
    """Let SIGTERM, and a terminal that is closed, end the work the way Ctrl-C does: with everything half-done removed.
    Return what is to be put back."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous: dict[int, Any] = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        with suppress(ValueError):  # not the main thread: the caller minds the signals
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                previous[number] = signal.signal(number, stop)
    return previous
