# SPDX-License-Identifier: Apache-2.0
"""Replace variables and take quotes away, as BuildKit does it (``frontend/dockerfile/shell/lex.go``).

``'…'`` is literal. Inside ``"…"`` variables are replaced and the escape character protects only ``"``, ``$`` and
itself; outside quotes it protects whatever follows and disappears. Known forms: ``$X ${X} ${X:-d} ${X-d} ${X:+d} ${X+d}
${X:?e} ${X?e} ${X#p} ${X##p} ${X%p} ${X%%p} ${X/p/r} ${X//p/r}``.

Where we differ from BuildKit on purpose, each an oversight there: the replacement of ``${X//p/r}`` is taken literally
(BuildKit reads ``$1`` in it as a regular expression's group), and a ``${X:-d}`` in the middle of a word does not lose
the characters before it when the text is split into words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FormatError, quoted
from .patterns.shell import remove_prefix, remove_suffix, replace
from .text import bounds
from .text.text import is_space

#: Gives the value of a variable, or ``None`` when it is unset. A ``dict``'s ``get`` is one.
Lookup = Callable[[str], str | None]

_SPECIAL = frozenset("@*#?-$!")
_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Expansion:
    """``text``: one word stays one; ``words``: split at unquoted space; names with a value, and without; of the latter
    those for which the word says what they become (``${X:-d}``, ``${X+d}``)."""

    text: str
    words: tuple[str, ...]
    used: frozenset[str]
    unset: frozenset[str]
    defaulted: frozenset[str] = frozenset()

    @property
    def undefined(self) -> frozenset[str]:
        """Names that became empty without the word's wish."""
        return self.unset - self.defaulted


def expand(word: str, lookup: Lookup, escape: str = "\\") -> str:
    """The word with variables replaced and quotes removed. ``FormatError`` says what cannot be read."""
    return expansion(word, lookup, escape).text


def expand_words(word: str, lookup: Lookup, escape: str = "\\") -> list[str]:
    """The same, split at unquoted space, also at space that came out of an unquoted variable (EXPOSE)."""
    return list(expansion(word, lookup, escape).words)


def expansion(word: str, lookup: Lookup, escape: str = "\\", *, raw_quotes: bool = False, raw_escapes: bool = False,
              literal_quotes: bool = False, keep_unset: bool = False) -> Expansion:
    """The whole outcome.

    ``raw_quotes`` and ``raw_escapes`` obey quotes and escapes but leave them in. ``literal_quotes`` gives quotes no
    meaning (heredoc content). ``keep_unset`` leaves a reference to an unset variable as it was written.
    """
    lexer = _Lexer(word, lookup, escape, raw_quotes, raw_escapes, literal_quotes, keep_unset)
    text, words = lexer.until("", raw_escapes)
    return Expansion(text, tuple(words), frozenset(lexer.used), frozenset(lexer.unset),
                     frozenset(lexer.defaulted - lexer.bare))


class _Words:
    """Collects characters into words; a space ends one only when it came unquoted."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.parts: list[str] = []  # of the word that is being read: joined once, however long it gets

    def add(self, text: str) -> None:
        for char in text:
            if is_space(char):
                self.end()
            else:
                self.parts.append(char)

    def add_raw(self, text: str) -> None:
        if text:
            self.parts.append(text)

    def end(self) -> None:
        if self.parts:
            self.done.append("".join(self.parts))
            self.parts.clear()

    def finish(self) -> list[str]:
        self.end()
        return self.done


class _Lexer:
    """One pass over one word; ``pos`` is the next character."""

    def __init__(self, source: str, lookup: Lookup, escape: str, raw_quotes: bool, raw_escapes: bool,
                 literal_quotes: bool, keep_unset: bool) -> None:
        self.source, self.lookup, self.escape = source, lookup, escape
        self.raw_quotes, self.raw_escapes = raw_quotes, raw_escapes
        self.literal_quotes, self.keep_unset = literal_quotes, keep_unset
        self.pos = self.depth = self.size = 0
        self.used: set[str] = set()
        self.unset: set[str] = set()
        self.defaulted: set[str] = set()
        self.bare: set[str] = set()  # without a value, in a form that has no default

    def peek(self) -> str:
        return self.source[self.pos:self.pos + 1]

    def next(self) -> str:
        char = self.peek()
        self.pos += 1
        return char

    def fail(self, why: str) -> FormatError:
        shown = self.source if len(self.source) <= 60 else self.source[:60] + "…"
        return FormatError(f"cannot expand {quoted(shown)}", why=why, word=self.source[:1000])

    def sized(self, text: str) -> str:
        """The text, as long as all of them together are no longer than a word may become."""
        self.size += len(text)
        if self.size > bounds.EXPANDED:
            raise self.fail(f"it becomes longer than {bounds.EXPANDED:,} characters")
        return text

    def get(self, name: str, operator: str = "") -> str | None:
        value = self.lookup(name)
        (self.unset if value is None else self.used).add(name)
        if value is None:
            (self.defaulted if operator in ("-", "+") else self.bare).add(name)
        return value

    def until(self, stop: str, raw_escapes: bool) -> tuple[str, list[str]]:
        """Everything up to ``stop`` (taken, not given), or to the end when ``stop`` is empty."""
        outer, self.raw_escapes = self.raw_escapes, raw_escapes
        try:
            return self._until(stop)
        finally:
            self.raw_escapes = outer

    def _until(self, stop: str) -> tuple[str, list[str]]:
        result: list[str] = []
        words = _Words()
        while char := self.peek():
            if char == stop:
                self.pos += 1
                return "".join(result), words.finish()
            if char == "$":
                text = self.dollar()
                words.add(text)
            elif char == "<":
                text = self.heredoc_mark()
                words.add_raw(text)
            elif char in "'\"" and not self.literal_quotes:
                text = self.single_quoted() if char == "'" else self.double_quoted()
                words.add_raw(text)
            elif char == self.escape:
                self.pos += 1
                protected = self.next()
                text = (char if self.raw_escapes else "") + protected
                words.add_raw(text)
            else:
                self.pos += 1
                text = char
                words.add(text)
            result.append(self.sized(text))
        if stop:
            raise self.fail(f"the closing {stop} is missing")
        return "".join(result), words.finish()

    def heredoc_mark(self) -> str:
        """``<`` or ``<<`` with the blanks after it, which do not end a word (``<< EOF``)."""
        start = self.pos
        self.pos += 1
        if self.peek() == "<":
            self.pos += 1
            while self.peek() in ("\t", "\r", " "):
                self.pos += 1
        return self.source[start:self.pos]

    def single_quoted(self) -> str:
        end = self.source.find("'", self.pos + 1)
        if end < 0:
            raise self.fail("the closing single quote is missing")
        start, self.pos = self.pos, end + 1
        return self.source[start:end + 1] if self.raw_quotes else self.source[start + 1:end]

    def double_quoted(self) -> str:
        quote = self.next() if self.raw_quotes else self.next()[:0]
        result = [quote]
        while char := self.peek():
            if char == "$":
                result.append(self.sized(self.dollar()))
                continue
            self.pos += 1
            if char == '"':
                return "".join([*result, quote])
            if char == self.escape:
                if self.raw_escapes:
                    result.append(char)
                following = self.peek()
                if not following:
                    break
                if following in ('"', "$", self.escape):
                    char = self.next()
            result.append(char)
        raise self.fail("the closing double quote is missing")

    def name(self) -> str:
        """A variable's name: digits, or one special parameter, or letters, digits and ``_``; may be empty."""
        start = self.pos
        if self.peek().isdecimal():
            while self.peek().isdecimal():
                self.pos += 1
        elif self.peek() and self.peek() in _SPECIAL:
            self.pos += 1
        else:
            while (char := self.peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self.pos += 1
        return self.source[start:self.pos]

    def dollar(self) -> str:
        self.pos += 1
        if self.peek() != "{":
            name = self.name()
            if not name:
                return "$"
            value = self.get(name)
            return f"${name}" if value is None and self.keep_unset else value or ""
        self.pos += 1
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.fail(f"more than {_DEPTH} substitutions inside each other")
        try:
            return self.braces()
        finally:
            self.depth -= 1

    def braces(self) -> str:
        """What stands between ``${`` and ``}``."""
        if not self.peek():
            raise self.fail("the closing } is missing")
        if self.peek() in "{}:":
            raise self.fail("${ must be followed by a name")
        name = self.name()
        sign = self.next()
        if sign == "}":
            value = self.get(name)
            return f"${{{name}}}" if value is None and self.keep_unset else value or ""
        if not sign:
            raise self.fail("the closing } is missing")
        if sign == "/":
            return self.substitute(name)
        colon = sign == ":"
        operator = self.next() if colon else sign
        known = operator in (("-", "+", "?") if colon else ("-", "+", "?", "#", "%"))
        if not known and not (self.keep_unset and (colon and operator and operator not in "#%}")):
            raise self.fail(f"${{{name}{':' if colon else ''}{operator}…}} is not a substitution")
        return self.modify(name, operator, colon)

    def modify(self, name: str, operator: str, colon: bool) -> str:
        word, _unused = self.until("}", operator in "#%")
        value = self.get(name, operator)
        if value is None and self.keep_unset:
            return f"${{{name}{':' if colon else ''}{operator}{word}}}"
        missing = value is None or (colon and not value)
        value = value or ""
        if operator == "-":
            return word if missing else value
        if operator == "+":
            return "" if missing else word
        if operator == "?":
            if missing:
                state = "empty" if name in self.used else "unset"
                raise self.fail(f"{name}: {word or f'is not allowed to be {state}'}")
            return value
        if operator not in "#%":
            raise self.fail(f"${{{name}:{operator}…}} is not a substitution")
        longest = word.startswith(operator)
        remove = remove_prefix if operator == "#" else remove_suffix
        return remove(value, word[1:] if longest else word, longest=longest)

    def substitute(self, name: str) -> str:
        every = self.peek() == "/"
        if every:
            self.pos += 1
        pattern, _unused = self.until("/", True)
        new, _unused = self.until("}", True)
        value = self.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}/{pattern}/{new}}}"
        return replace(value or "", pattern, new, every=every)
