# SPDX-License-Identifier: Apache-2.0
"""The command's outer shell: which verbs there are, how errors and signals end, and nothing else.

Exit codes: 0 done, 1 found something wrong (lint, compat, doctor), 2 bad usage or input, 3 an engine, host or
registry failed, 130 interrupted.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from contextlib import suppress
from types import FrameType
from typing import Any, TextIO

import click

from .. import __version__
from ..errors import Interrupted, UsageError, WcowError
from .lazy import LazyGroup

VERBS: dict[str, tuple[str, str]] = {
    "build": ("build", "Build a Windows image from a Dockerfile."),
    "plan": ("build", "Show what a build would do, and do none of it."),
    "copy": ("transfer", "Copy an image from one place to another."),
    "push": ("transfer", "Send an image of the local store to its registry."),
    "pull": ("transfer", "Fetch an image from its registry into the local store."),
    "images": ("local", "List the images of the local store."),
    "tag": ("local", "Give an image of the local store one more name."),
    "rm": ("local", "Remove images from the local store."),
    "system": ("system", "Show what images and caches take, and free what nobody needs."),
    "digest": ("look", "Print the digest of an image."),
    "inspect": ("look", "Show an image's config, layers and platforms."),
    "ls": ("look", "List files of an image, with owner, ACL and attributes."),
    "cat": ("look", "Print a file of an image."),
    "index": ("index", "Put many Windows versions under one name."),
    "diff": ("diff", "Compare two images, or two layers."),
    "reg": ("reg", "Read and change the registry of an image, or of a hive in a file."),
    "lint": ("lint", "Would Windows take it? Examine an image or a layer."),
    "compat": ("compat", "Does this image run on that host, and what does an engine take?"),
    "doctor": ("doctor", "Explain a host, or an error text, and say what to do."),
    "engine": ("engine", "A Windows Docker engine on this machine."),
    "run": ("run", "Run one container, without a docker client."),
    "ps": ("ps", "List containers with their processes, here and in Windows."),
    "sweep": ("sweep", "Remove what dead test runs left in an engine."),
    "host": ("host", "Windows hosts on this machine, reached over WinRM."),
    "powershell": ("powershell", "PowerShell for the engine's containers: install, status, remove."),
    "base": ("base", "Make base images: from scratch, or stand-ins for Microsoft's."),
    "login": ("account", "Remember credentials for a registry."),
    "logout": ("account", "Forget credentials for a registry."),
    "completion": ("completion", "Print the completion script for a shell."),
}
"""Verb to the module that holds it and its one line of help: the help text must not import every module."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
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


@click.group(cls=Verbs, modules=VERBS, heading="Verbs",
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wcow", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="WCOW_DEBUG", help="Show the traceback of an error.")
@click.option("--config", "config", metavar="FILE", envvar="WCOW_CONFIG",
              help="Configuration file; default: wcow.toml or [tool.wcow] of pyproject.toml, here or above.")
@click.pass_context
def wcow(ctx: click.Context, debug: bool, config: str | None) -> None:
    """Windows container images, built and examined on Linux."""
    ctx.obj = {"debug": debug, "config": config}


def run(args: list[str]) -> int:
    """Run the command and turn every ending into an exit code and at most three lines on standard error."""
    debug = "--debug" in args or bool(os.environ.get("WCOW_DEBUG"))
    out = sys.stdout
    previous = _stop_on_terminate()
    try:
        for stream in (sys.stdout, sys.stderr):  # a name the terminal's encoding lacks must not end the work
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        value: Any = wcow.main(args=args, prog_name="wcow", standalone_mode=False)
        sys.stdout.flush()
        return value if isinstance(value, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except SystemExit as end:
        # Click puts another stream there when the reader of our output went away (wcow ls … | head): nothing to tell
        # anybody.
        if sys.stdout is not out:
            return 0
        return end.code if isinstance(end.code, int) else 0
    except click.Abort:
        return _say(Interrupted("interrupted", hint="nothing half-done was kept"), debug)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _say(_usage(error), debug)
    except KeyboardInterrupt:
        return _say(Interrupted("interrupted", hint="nothing half-done was kept"), debug)
    except WcowError as error:
        return _say(error, debug)
    except BrokenPipeError:  # the same, met by us when the last lines went out
        _give_up(sys.stdout)
        return 0
    except OSError as error:
        if error.filename:
            return _say(WcowError(f"cannot use {error.filename}", why=error.strerror or str(error)), debug)
        if error.errno not in _FULL:
            return _say(WcowError("a call of the operating system failed", why=error.strerror or str(error)), debug)
        _give_up(sys.stdout)  # what is still unwritten would fail once more when Python ends
        return _say(WcowError("cannot write the output", why=error.strerror or str(error)), debug)
    except Exception as error:
        return _say(_fault(error), debug)
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _usage(error: click.ClickException) -> WcowError:
    """A complaint of click in our form."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "wcow"
    return UsageError(" ".join(error.format_message().split()).removesuffix("."), hint=f"'{verb} --help' shows how")


def _fault(error: Exception) -> WcowError:
    """A mistake of ours. Its text may come from anywhere, so nothing that could be a secret is taken over."""
    from ..stores import redact

    text = redact(" ".join(str(error).split()))[:200]
    return WcowError(f"a fault in wcow: {type(error).__name__}", why=text,
                     hint="please report it, with what --debug shows")


def _give_up(stream: TextIO) -> None:
    """Let everything that is written to a stream from here on go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(error: WcowError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    what, *rest = error.lines()
    lead = "\x1b[31merror:\x1b[0m" if colour else "error:"
    try:
        print(f"{lead} {_cut(what)}", *(f"  {_cut(line)}" for line in rest), sep="\n", file=sys.stderr, flush=True)
    except OSError:  # nobody listens: the exit code still says it
        _give_up(sys.stderr)
    return error.exit_code


def _cut(line: str) -> str:
    """A line as long as a person may read: the names and values in it can have any length."""
    return line if len(line) <= LONGEST else f"{line[:LONGEST // 2]} … {line[-LONGEST // 2:]}"


def _stop_on_terminate() -> Any:
    """Let SIGTERM end the work the way Ctrl-C does: with everything half-done removed."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever called us minds the signals
        return None
