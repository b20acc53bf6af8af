# SPDX-License-Identifier: Apache-2.0
"""From the text of one instruction to its value, with every check that needs no expansion.

Facts from BuildKit's ``parser/line_parsers.go`` and ``instructions/parse.go``. Everything here raises ``FormatError``
without a place; :mod:`.parser` adds file, line and instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FormatError, quoted
from .instructions import (
    Add,
    Arg,
    ArgName,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    HealthCheck,
    Instruction,
    Label,
    Maintainer,
    Pair,
    Place,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from .mounts import parse_mount
from .suggest import closest
from .text.flags import Flags
from .text.heredoc import Heredoc, heredoc_word
from .text.text import BLANKS, SPACE, NotStrings, json_strings, split_blanks, split_words
from .values import TargetPlatform, duration, exposed_ports

_STAGE = re.compile(r"[a-z][a-z0-9-_.]*\Z")


@dataclass(frozen=True, slots=True)
class Request:
    """One instruction cut into parts, before anything in it is understood; ``json`` holds a JSON form's strings."""

    keyword: str
    flags: tuple[str, ...]
    rest: str
    json: tuple[str, ...] | None
    json_error: str
    heredocs: tuple[Heredoc, ...]
    place: Place


def read_json(keyword: str, rest: str) -> tuple[tuple[str, ...] | None, str]:
    """The JSON form of the instructions that have one, or why the text is not one (empty: it never looked like one)."""
    if keyword == "HEALTHCHECK":
        rest = rest.lstrip(SPACE)
        kind = next((i for i, char in enumerate(rest) if char in SPACE), len(rest))
        rest = rest[kind:]
    elif keyword not in JSON_FORMS:
        return None, ""
    try:
        return json_strings(rest), ""
    except NotStrings as error:
        raise FormatError("a JSON form that is not a list of strings", why=str(error)) from None
    except ValueError as error:
        return None, str(error) if rest.lstrip(SPACE).startswith("[") else ""


def build(request: Request) -> Instruction:
    """The instruction as a value."""
    return _BUILDERS[request.keyword](request, Flags(request.keyword, request.flags))


def _from(request: Request, flags: Flags) -> From:
    words = split_blanks(request.rest)
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
        raise FormatError("FROM takes an image, or an image, AS and a name", why=f"found {len(words)} words")
    name = words[2].lower() if len(words) == 3 else ""
    if name and not _STAGE.match(name):
        raise FormatError(f"{quoted(words[2])} cannot name a stage",
                          why="a name begins with a letter and holds letters, digits, - _ and .")
    platform = flags.value("platform")
    if platform and "$" not in platform:
        TargetPlatform.parse(platform)
    return From(request.place, words[0], name, platform)


def _arg(request: Request, flags: Flags) -> Arg:
    args = []
    for word in _at_least_one(request, split_words(request.rest, request.place.escape)):
        name, equals, default = word.partition("=")
        if not name:
            raise FormatError("a name is blank", why=f"found {quoted(word)}")
        args.append(ArgName(name, default if equals else None))
    return Arg(request.place, tuple(args))


def _env(request: Request, flags: Flags) -> Env:
    return Env(request.place, _pairs(request))


def _label(request: Request, flags: Flags) -> Label:
    return Label(request.place, _pairs(request))


def _pairs(request: Request) -> tuple[Pair, ...]:
    """New form when the first word holds ``=``, else the first word is the key and all the rest the value."""
    words = _at_least_one(request, split_words(request.rest, request.place.escape))
    if "=" not in words[0]:
        parts = BLANKS.split(request.rest, maxsplit=1)
        if len(parts) == 1:
            raise FormatError(f"{quoted(parts[0])} has no value", hint=f"{request.keyword} name=value")
        return (Pair(parts[0], parts[1], old_form=True),)
    pairs = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise FormatError(f"{quoted(word)} has no =", why="several pairs are written name=value name=value",
                              hint="put a value that holds spaces in double quotes")
        if not key:
            raise FormatError("a name is blank", why=f"found {quoted(word)}")
        pairs.append(Pair(key, value))
    return tuple(pairs)


def _copy(request: Request, flags: Flags) -> Copy:
    sources, destination, inline = _sources(request)
    return Copy(request.place, sources, destination, inline, flags.value("chown"), flags.value("chmod"),
                flags.boolean("link") or False, flags.values("exclude"), request.json is not None,
                _source_stage(flags.value("from")), flags.boolean("parents") or False)


def _add(request: Request, flags: Flags) -> Add:
    sources, destination, inline = _sources(request)
    return Add(request.place, sources, destination, inline, flags.value("chown"), flags.value("chmod"),
               flags.boolean("link") or False, flags.values("exclude"), request.json is not None,
               flags.value("checksum"), flags.boolean("keep-git-dir"), flags.boolean("unpack"))


def _source_stage(text: str) -> str:
    """``--from`` as it is: BuildKit refuses a value that expansion would change."""
    if "$" in text:
        raise FormatError("variables are not expanded in --from", why=f"found {quoted(text)}",
                          hint="give the image a stage of its own: ARG X, then FROM $X AS name, then --from=name")
    return text


def _sources(request: Request) -> tuple[tuple[str, ...], str, tuple[Heredoc, ...]]:
    words = split_blanks(request.rest) if request.json is None else request.json
    if len(words) < 2:
        raise FormatError(f"{request.keyword} needs a source and a destination", why=f"found {len(words)} word(s)")
    if request.json is not None:
        return words[:-1], words[-1], ()
    if heredoc_word(words[-1]) is not None:
        raise FormatError("a heredoc cannot be the destination")
    given = {doc.name: doc for doc in request.heredocs}
    sources, inline = [], []
    for word in words[:-1]:
        announced = heredoc_word(word)
        if announced is None:
            if word in ("<<", "<<-"):
                raise FormatError("a space between << and the word of a heredoc", hint=f"{request.keyword} <<EOF …")
            sources.append(word)
        elif announced.name in given:
            inline.append(given[announced.name])
        else:
            raise FormatError(f"the heredoc {quoted(word)} has no content",
                              why="a quote before it on the line is not closed")
    return tuple(sources), words[-1], tuple(inline)


def _command(request: Request) -> tuple[str, ...]:
    if request.json is not None:
        return request.json
    return (request.rest,) if request.rest else ()


def _run(request: Request, flags: Flags) -> Run:
    network, security = flags.value("network", "default"), flags.value("security", "sandbox")
    if network not in ("default", "none", "host"):
        raise FormatError(f"{quoted(network)} is not a network", why="it is default, none or host")
    if security not in ("sandbox", "insecure"):
        raise FormatError(f"{quoted(security)} is not a security mode", why="it is sandbox or insecure")
    command = _command(request)
    if not command:
        raise FormatError("RUN needs a command")
    return Run(request.place, command, request.json is not None, request.heredocs,
               tuple(parse_mount(word) for word in flags.values("mount")), network, security)


def _cmd(request: Request, flags: Flags) -> Cmd:
    return Cmd(request.place, _command(request), request.json is not None)


def _entrypoint(request: Request, flags: Flags) -> Entrypoint:
    return Entrypoint(request.place, _command(request), request.json is not None)


def _shell(request: Request, flags: Flags) -> Shell:
    if not request.json:
        raise FormatError("SHELL needs a JSON list with at least one string", why=request.json_error,
                          hint='SHELL ["powershell", "-Command"], with every backslash doubled')
    return Shell(request.place, request.json)


def _healthcheck(request: Request, flags: Flags) -> HealthCheck:
    kind, _unused, rest = request.rest.partition(_first_space(request.rest))
    kind, rest = kind.upper(), rest.lstrip(SPACE)
    if kind == "NONE":
        if rest:
            raise FormatError("HEALTHCHECK NONE takes no arguments", why=f"found {quoted(rest)}")
        return HealthCheck(request.place, (), none=True)
    if kind != "CMD":
        near = closest(kind, ("CMD", "NONE"))
        raise FormatError(f"HEALTHCHECK {kind} is not a kind of check" if kind else "HEALTHCHECK needs CMD or NONE",
                          why="it is CMD or NONE" if kind else "", hint=f"did you mean {near}?" if near else "")
    command = request.json if request.json is not None else (rest,) if rest else ()
    if not command:
        raise FormatError("HEALTHCHECK CMD needs a command")
    retries = flags.value("retries", "0")
    if not re.fullmatch(r"\+?[0-9]{1,10}", retries) or int(retries) >= 2**31:
        raise FormatError(f"--retries={retries} is not a count", why="it is a number from 0")
    interval, timeout, start_period, start_interval = (
        _interval(name, flags.value(name)) for name in ("interval", "timeout", "start-period", "start-interval"))
    return HealthCheck(request.place, command, request.json is not None, interval=interval, timeout=timeout,
                       start_period=start_period, start_interval=start_interval, retries=int(retries))


def _interval(name: str, text: str) -> int:
    value = duration(text) if text else 0
    if value and value < 10**6:
        raise FormatError(f"--{name}={text} is too short", why="the shortest is 1ms")
    return value


def _first_space(text: str) -> str:
    return next((char for char in text if char in SPACE), " ")


def _workdir(request: Request, flags: Flags) -> Workdir:
    return Workdir(request.place, _one(request))


def _user(request: Request, flags: Flags) -> User:
    return User(request.place, _one(request))


def _stopsignal(request: Request, flags: Flags) -> StopSignal:
    return StopSignal(request.place, _one(request))


def _maintainer(request: Request, flags: Flags) -> Maintainer:
    return Maintainer(request.place, _one(request))


def _one(request: Request) -> str:
    if not request.rest:
        raise FormatError(f"{request.keyword} needs an argument")
    return request.rest


def _expose(request: Request, flags: Flags) -> Expose:
    words = _at_least_one(request, split_blanks(request.rest))
    exposed_ports(word for word in words if not set(word) & set("$\"'\\`"))
    return Expose(request.place, words)


def _volume(request: Request, flags: Flags) -> Volume:
    words = split_blanks(request.rest) if request.json is None else request.json
    paths = tuple(word.strip(SPACE) for word in _at_least_one(request, words))
    if not all(paths):
        raise FormatError("a volume cannot be empty")
    return Volume(request.place, paths, request.json is not None)


def _at_least_one(request: Request, words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise FormatError(f"{request.keyword} needs an argument")
    return words


_BUILDERS: dict[str, Callable[[Request, Flags], Instruction]] = {
    "ADD": _add, "ARG": _arg, "CMD": _cmd, "COPY": _copy, "ENTRYPOINT": _entrypoint, "ENV": _env, "EXPOSE": _expose,
    "FROM": _from, "HEALTHCHECK": _healthcheck, "LABEL": _label, "MAINTAINER": _maintainer, "RUN": _run,
    "SHELL": _shell, "STOPSIGNAL": _stopsignal, "USER": _user, "VOLUME": _volume, "WORKDIR": _workdir,
}
#: Instructions that have a JSON form besides HEALTHCHECK CMD.
JSON_FORMS = frozenset(("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"))
