# SPDX-License-Identifier: Apache-2.0
"""Every regular expression of the library, found in its source, and texts that make a bad one slow.

The texts are built from the pattern itself: what each of its repetitions repeats, again and again and then something
that does not fit, two repetitions one after the other, each of its characters alone, each pair of them in turn.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import signal
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

with __import__("warnings").catch_warnings():
    from re import _constants as codes
    from re import _parser as parser

ROOT = Path(__file__).parents[2] / "imagebuild"
WAYS = frozenset({"match", "fullmatch", "search", "sub", "findall", "finditer", "split"})
_ENDS = ("\0", "!", "@", "\n", "")
_CATEGORIES = {codes.CATEGORY_DIGIT: "7", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "w",
               codes.CATEGORY_NOT_SPACE: "S", codes.CATEGORY_NOT_DIGIT: "D", codes.CATEGORY_NOT_WORD: "-"}
_OTHERS = "x0 -./\\\"\n@%"


class TooSlow(Exception):
    """A match had more processor time than any honest one needs."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern of the source: its file below the library, the name it is bound to (or the function that makes it) and
    the ways it is used. ``pattern`` is ``None`` where it is made while the program runs."""

    file: str
    name: str
    ways: frozenset[str]
    pattern: re.Pattern[Any] | None

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"


def of_the_library() -> Iterator[Found]:
    """Each ``re.compile``, ``re.match`` … of the library, in the order of files and lines."""
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        if any(isinstance(node, ast.ImportFrom) and node.module == "re" for node in ast.walk(tree)):
            raise AssertionError(f"{path}: import re itself, so that its patterns are found")
        yield from _Module(path, tree).patterns()


class _Module:
    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.file = path.relative_to(ROOT).as_posix()
        self.tree = tree
        self.owners: dict[ast.AST, str] = {}
        self.uses: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self.uses.setdefault(node.value.id, set()).add(node.attr)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call) \
                    and isinstance(node.value.func, ast.Name):  # _made().search(text)
                self.uses.setdefault(node.value.func.id, set()).add(node.attr)
        self._own(tree, "")

    def _own(self, node: ast.AST, owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = owner
            if isinstance(child, ast.FunctionDef):
                name = child.name
            elif isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name) and not owner:
                name = child.targets[0].id
            self.owners[child] = name
            self._own(child, name)

    def patterns(self) -> Iterator[Found]:
        module: types.ModuleType | None = None
        parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(self.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
                    and node.func.attr in WAYS | {"compile"}):
                continue
            if module is None:
                dotted = self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                module = importlib.import_module(f"imagebuild.{dotted}")
            yield Found(self.file, self.owners[node], self._ways(node, parents[node]), _compiled(node, vars(module)))

    def _ways(self, node: ast.Call, parent: ast.AST) -> frozenset[str]:
        assert isinstance(node.func, ast.Attribute)
        if node.func.attr != "compile":
            return frozenset({node.func.attr})
        if isinstance(parent, ast.Attribute):  # re.compile(…).fullmatch
            return frozenset({parent.attr})
        return frozenset(self.uses.get(self.owners[node], set())) & WAYS or frozenset({"search", "match"})


def _compiled(node: ast.Call, names: dict[str, Any]) -> re.Pattern[Any] | None:
    assert isinstance(node.func, ast.Attribute)

    def value(part: ast.expr) -> Any:
        return eval(compile(ast.Expression(part), "pattern", "eval"), names)

    flags = [keyword.value for keyword in node.keywords if keyword.arg == "flags"]
    if node.func.attr == "compile":
        flags += node.args[1:2]
    try:
        return re.compile(value(node.args[0]), *map(value, flags))
    except (NameError, AttributeError):
        return None


# --- texts -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Parts:
    characters: set[str] = field(default_factory=set)
    repeats: list[tuple[str, str]] = field(default_factory=list)  # what comes before, what is repeated

    def read(self, parts: Any, before: str) -> str:
        """A short text that the pattern takes."""
        out = ""
        for code, value in parts:
            out += self._one(code, value, before + out)
        return out

    def _one(self, code: Any, value: Any, before: str) -> str:
        if code is codes.LITERAL:
            self.characters.add(chr(value))
            return chr(value)
        if code in (codes.NOT_LITERAL, codes.ANY):
            self.characters.add("x")
            return "x" if value is None or chr(value) != "x" else "y"
        if code is codes.IN:
            some = _some_of(value)
            self.characters.update(some[:6])
            return some[0] if some else ""
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            low, high, body = value
            once = self.read(body, before)
            if high is codes.MAXREPEAT or high > 100:
                self.repeats.append((before, once))
                return once
            return once * max(low, 1)
        if code is codes.SUBPATTERN:
            return self.read(value[3], before)
        if code is codes.ATOMIC_GROUP:
            return self.read(value, before)
        if code is codes.BRANCH:
            every = [self.read(branch, before) for branch in value[1]]
            return every[0]
        if code in (codes.ASSERT, codes.ASSERT_NOT):
            self.read(value[1], before)
        return ""


def _some_of(items: Any) -> list[str]:
    negated = bool(items) and items[0][0] is codes.NEGATE
    out: list[str] = []
    for code, value in items[negated:]:
        if code is codes.LITERAL:
            out.append(chr(value))
        elif code is codes.RANGE:
            out.append(chr(value[0]))
        elif code is codes.CATEGORY:
            out.append(_CATEGORIES[value])
    return [char for char in _OTHERS if char not in out][:3] if negated else out


def texts(pattern: re.Pattern[Any], size: int, *, pairs: bool) -> Iterator[Any]:
    """Texts of about ``size`` characters; ``pairs`` adds each pair of the pattern's characters in turn."""
    parts = _Parts()
    with __import__("warnings").catch_warnings():
        whole = parts.read(parser.parse(pattern.pattern, pattern.flags), "")
    for text in _texts(parts, whole, size, pairs):
        yield text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def _texts(parts: _Parts, whole: str, size: int, pairs: bool) -> Iterator[str]:
    characters = sorted(parts.characters)[:24]
    repeats = list(dict.fromkeys((before, once) for before, once in parts.repeats if once))[:12]
    for char in characters:
        yield char * size + "\0"
    for before, once in repeats:
        for end in _ENDS if pairs else _ENDS[:2]:
            yield before + _filled(once, size) + end
        yield _filled(before + once, size) + "\0"
        if before:
            yield _filled(before, size)
    for (before, one), (_, other) in itertools.islice(itertools.combinations(repeats, 2), 30 if pairs else 8):
        yield before + _filled(one, size // 2) + _filled(other, size // 2) + "\0"
    if whole:
        yield _filled(whole, size) + "\0"
    if pairs:
        for one, other in itertools.islice(itertools.permutations(characters[:10], 2), 90):
            yield _filled(one + other, size) + "\0"


def _filled(text: str, size: int) -> str:
    return text * max(size // len(text), 1)


# --- matching with an end ----------------------------------------------------------------------------------------


def held(found: Found, pattern: re.Pattern[Any], size: int, *, pairs: bool, seconds: float) -> list[str]:
    """The texts and ways, shown short, for which one match took more than ``seconds`` of processor time."""
    slow: list[str] = []
    for text in texts(pattern, size, pairs=pairs):
        for way in sorted(found.ways):
            try:
                within(seconds, lambda way=way, text=text: _use(pattern, way, text))
            except TooSlow:
                slow.append(f"{way} {text[:30]!r}…{text[-3:]!r}")
                if len(slow) == 3:
                    return slow
    return slow


def within(seconds: float, work: Callable[[], object]) -> None:
    """Do something; TooSlow when it takes more processor time of this process. A hang guard, no measure of speed."""
    def ring(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _use(pattern: re.Pattern[Any], way: str, text: Any) -> None:
    if way == "sub":
        pattern.sub(lambda found: found[0], text)
    elif way in ("findall", "finditer"):
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, way)(text)
