"""One line of text to a rule: a strict tokenizer and a parser of recursive descent; nothing is ever executed.

rule   = all {"or" all}            all  = one {"and" one}         one = "not" one | "(" rule ")" | leaf
leaf   = field ["within" 90d] (op value | ["not"] "in" "[" values "]" | "between" value "and" value
         | "contains" value | "is" ("known" | "unknown"))
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from holdfast.core.clock import Window
from holdfast.core.errors import ConfigError, UsageError
from holdfast.core.rules.literals import RESERVED, Value
from holdfast.core.rules.rule import BETWEEN, Both, Comparison, Either, Negation, Rule

#: A rule deeper or longer than this is a mistake, or an attack.
DEEPEST, LONGEST = 40, 20_000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<length>\d+[hdw]\b)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<quoted>`[^`]+`)
    | (?P<word>[^\W\d]\w*)
    | (?P<mark>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int


def parse_text(text: str, where: str | None = None) -> Rule:
    """A rule from one line; raises `ConfigError` pointing at what cannot be read.

    >>> parse_text("orders within 90d >= 2 or not (lifecycle == 'lost')").text
    "orders_90d >= 2 or not lifecycle == 'lost'"
    """
    if len(text) > LONGEST:
        raise ConfigError(f"a rule of {len(text)} characters", where=where, remedy=f"keep it under {LONGEST}")
    reader = _Reader(text, _tokens(text, where), where)
    rule = reader.any_of(0)
    if reader.left():
        reader.fail(f"{reader.peek().text!r} does not belong there")
    return rule


def windowed(field: str, within: str, where: str | None = None) -> str:
    """The column of a field over a window of whole days.

    >>> windowed("order_count", "4w")
    'order_count_28d'
    """
    try:
        days = Window.parse(within).days
    except UsageError as error:
        raise ConfigError(error.what, where=where, remedy="write within 90d") from error
    if days != int(days):
        raise ConfigError(f"a window of {within} is not whole days", where=where, remedy="write within 90d")
    return f"{field}_{int(days)}d"


def _tokens(text: str, where: str | None) -> list[Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            _fail(text, at, "cannot be read from here on", where)
        kind = str(match.lastgroup)
        said = match[kind]
        if kind == "word" and said.lower() in RESERVED:
            kind, said = "key", said.lower()
        found.append(Token(kind, said, match.start(match.lastgroup or 0)))
        at = match.end()
    return found


def _fail(text: str, at: int, what: str, where: str | None) -> NoReturn:
    hint = " (one '=' is no comparison: write ==)" if text[at:].lstrip().startswith("=") else ""
    raise ConfigError(
        f"rule {text!r}: {what} at {text[at : at + 20].strip() or 'the end'!r}{hint}", where=where,
        remedy="write e.g. order_count_90d >= 2 and not lifecycle == 'lost'",
    )  # fmt: skip


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str, tokens: list[Token], where: str | None) -> None:
        self.text, self.tokens, self.where, self.at = text, tokens, where, 0

    def left(self) -> bool:
        return self.at < len(self.tokens)

    def peek(self) -> Token:
        return self.tokens[self.at] if self.left() else Token("end", "", len(self.text))

    def take(self, *texts: str) -> str | None:
        """The next word or mark if it is one of these, else None."""
        token = self.peek()
        if token.kind in ("key", "mark") and token.text in texts:
            self.at += 1
            return token.text
        return None

    def fail(self, what: str) -> NoReturn:
        _fail(self.text, self.peek().at, what, self.where)

    def want(self, *texts: str) -> str:
        return self.take(*texts) or self.fail(f"expected {' or '.join(texts)}")

    def any_of(self, depth: int) -> Rule:
        if depth > DEEPEST:
            self.fail(f"nested deeper than {DEEPEST}")
        parts = [self.all_of(depth)]
        while self.take("or"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def all_of(self, depth: int) -> Rule:
        parts = [self.one(depth)]
        while self.take("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def one(self, depth: int) -> Rule:
        if depth > DEEPEST:
            self.fail(f"nested deeper than {DEEPEST}")
        if self.take("not"):
            return Negation(self.one(depth + 1))
        if self.take("("):
            inner = self.any_of(depth + 1)
            self.want(")")
            return inner
        return self.leaf()

    def leaf(self) -> Rule:
        token = self.peek()
        if token.kind not in ("word", "quoted"):
            self.fail("expected the name of a column")
        self.at += 1
        field = token.text.strip("`") if token.kind == "quoted" else token.text
        if self.take("within"):
            length = self.peek()
            if length.kind != "length":
                self.fail("expected a window such as 90d")
            self.at += 1
            field = windowed(field, length.text, self.where)
        return self.comparison(field)

    def comparison(self, field: str) -> Rule:
        if self.take("not"):
            self.want("in")
            return Comparison(field, "not in", self.values())
        if self.take("is"):
            return Comparison(field, f"is {self.want('known', 'unknown')}")
        op = self.take("==", "!=", "<=", ">=", "<", ">", "contains", "in", BETWEEN)
        if op is None:
            self.fail(f"expected a comparison after {field}")
        if op == "in":
            return Comparison(field, op, self.values())
        first = self.value()
        if op != BETWEEN:
            return Comparison(field, op, first)
        self.want("and")
        return Comparison(field, op, (first, self.value()))

    def values(self) -> tuple[Value, ...]:
        self.want("[")
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        self.want("]")
        return tuple(found)

    def value(self) -> Value:
        token = self.peek()
        self.at += 1
        if token.kind == "text":
            mark = token.text[0]
            return token.text[1:-1].replace(mark * 2, mark)
        if token.kind == "number":
            return int(token.text) if re.fullmatch(r"[+-]?\d+", token.text) else float(token.text)
        if token.kind == "key" and token.text in ("true", "false"):
            return token.text == "true"
        self.at -= 1
        return self.fail("expected a number, a text in quotes, true or false")
