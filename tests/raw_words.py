"""English that would reach people without a catalogue: found in the source, not by running it.

Two searches. ``prose()``: every string with two words in a row that is not handed to ``Message`` or its like, nor in a place where
nobody reads it. ``said()``: what is filled into a message, raised, printed or asked is followed to the strings that it can be, through
conditions, local variables, constants, and the parameters and results of functions; any word there is one that nobody translates.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from catalogues import KEYWORDS, SHAPES, SOURCE
from raised import assigned

WORD = re.compile(r"[^\W\d_]{2,}")
TWO_WORDS = re.compile(r"[A-Za-z]{2,},? +[a-z]{2,}")
ERRORS = (
    "UserError",
    "Refused",
    "DoesNotHold",
    "Unsupported",
    "VecheError",
    "Unanswered",
    "WrongClock",
    "ClickException",
)
SAYS = {"say", "say_error", "confirm", "prompt", "echo", "secho", "print", "Verbatim", "Capital", "Clause", "Listed"}
UNREAD = {
    "ValueError", "TypeError", "RuntimeError", "AssertionError", "TimeoutError", "BadSignature", "AttributeError",  # of a defect of the program,
    # or caught by whoever says it in words of their own
    "option", "argument", "command", "group", "key", "_change", "_together",  # help texts: tests/catalogues.py reads them from click
    "execute", "executemany", "executescript", "_polls_where", "fullmatch", "encode", "ResponseException",  # SQL, patterns, what CometBFT reads
    "Markup", "Styled", "mark", "assemble", "export_svg",  # how something looks
    "info", "warning", "error", "getLogger",  # the log of an engine, for its operator's machines
    "GaugeMetricFamily", "CounterMetricFamily",  # what Prometheus reads, and what docs/operating.md says in both languages
}  # fmt: skip
"""Calls whose strings no citizen, clerk or observer reads."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
STEPS = 2
"""Through so many functions a value is followed back."""


class Found(NamedTuple):
    """Raw words: the file, below src/veche, and what they are."""

    file: str
    text: str


@cache
def trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    }


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def literal(node: ast.AST) -> str | None:
    """A string as it stands, the values in it left out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def prose() -> set[Found]:
    """Strings of two words and more that no catalogue has."""
    return {Found(file, text) for file, tree in trees().items() for text in _prose(tree)}


def _prose(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assert() | ast.Expr(value=ast.Constant()) | ast.arg() | ast.Subscript(slice=ast.Constant()):
            return  # for programmers
        case ast.Call() if called(node) in (*KEYWORDS, *SHAPES):
            for keyword in node.keywords:
                yield from _prose(keyword.value)
            return
        case ast.Call() if called(node) in UNREAD:
            return
    text = literal(node)
    if text is not None:
        if TWO_WORDS.search(text):
            yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _prose(child)


def said() -> set[Found]:
    """Words in what is said: values of messages, and what stands in the place of one."""
    search = _Search()
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = called(node)
            if name in ("Message", "Plural"):
                values = [keyword.value for keyword in node.keywords]
            elif name in ERRORS:
                coded = {"Refused": 1, "DoesNotHold": 1}.get(name, 0)  # the rule, or the step
                values = [*node.args[coded:], *(one.value for one in node.keywords if one.arg in ("message", "hint"))]
            else:
                values = node.args[:2] if name in SAYS else []
            for value in values:
                search.follow(file, value, 0)
    return search.found


class _Search:
    """Follows values back to the strings that they can be."""

    def __init__(self) -> None:
        self.found: set[Found] = set()
        self._seen: set[ast.AST] = set()
        self._around: dict[ast.AST, ast.AST | None] = {}
        self._calls: dict[str, list[tuple[str, ast.Call]]] = {}
        self._classes: list[ast.ClassDef] = []
        for file, tree in trees().items():
            self._walk(file, tree, None)

    def _walk(self, file: str, node: ast.AST, function: ast.AST | None) -> None:
        self._around[node] = function
        if isinstance(node, ast.Call):
            self._calls.setdefault(called(node), []).append((file, node))
        if isinstance(node, ast.ClassDef):
            self._classes.append(node)
        for child in ast.iter_child_nodes(node):
            self._walk(file, child, node if isinstance(node, FUNCTIONS) else function)

    def follow(self, file: str, value: ast.AST | None, steps: int) -> None:
        if value is None or value in self._seen:
            return
        self._seen.add(value)
        text = literal(value)
        if text is not None and WORD.search(text.replace("{}", "")):
            self.found.add(Found(file, text))
        match value:
            case ast.Call():
                self._call(file, value, steps)
            case ast.Name():
                self._name(file, value, steps)
            case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
                self.follow(file, one, steps)
                self.follow(file, other, steps)
            case ast.Dict(values=parts) | ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
                for part in parts:
                    self.follow(file, part, steps)
            case ast.Starred(value=inner) | ast.Subscript(value=inner) | ast.NamedExpr(value=inner):
                self.follow(file, inner, steps)
            case ast.ListComp(elt=inner) | ast.GeneratorExp(elt=inner) | ast.FormattedValue(value=inner):
                self.follow(file, inner, steps)
            case ast.JoinedStr(values=parts):
                for part in parts:
                    if isinstance(part, ast.FormattedValue):
                        self.follow(file, part, steps)

    def _call(self, file: str, call: ast.Call, steps: int) -> None:
        """What a call gives back: the strings that its function returns, or that a string's own method was given."""
        name = called(call)
        if name in KEYWORDS:
            return
        if isinstance(call.func, ast.Attribute) and name in ("join", "format", "strip", "lower", "upper", "get"):
            self.follow(file, call.func.value, steps)
        if name in ("join", "str", "repr", "list", "tuple", "sorted"):
            for argument in call.args:
                self.follow(file, argument, steps)
        if isinstance(call.func, ast.Name) and steps < STEPS:
            for home, node in self._defined(file, name):
                if isinstance(node, FUNCTIONS) and re.search(r"\bstr\b|Said", ast.unparse(node.returns or node)):
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Return | ast.Yield) and self._around[inner] is node:
                            self.follow(home, inner.value, steps + 1)

    def _defined(self, file: str, name: str) -> Iterator[tuple[str, ast.AST]]:
        """What a name stands for that this file defines or imports at its top."""
        for node in trees()[file].body:
            match node:
                case ast.FunctionDef(name=found) if found == name:
                    yield file, node
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    yield file, value
                case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                    yield file, value
                case ast.ImportFrom(module=str(module), names=names) if module.startswith("veche."):
                    home = "/".join(module.split(".")[1:]) + ".py"
                    for alias in names:
                        if (alias.asname or alias.name) == name and home in trees():
                            yield from self._defined(home, alias.name)

    def _name(self, file: str, name: ast.Name, steps: int) -> None:
        function = self._around[name]
        while isinstance(function, FUNCTIONS):
            positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
            bound = False
            for value in _assigned(function, name.id):
                bound = True
                self.follow(file, value, steps)
            if name.id in (*positional, *(argument.arg for argument in function.args.kwonlyargs)):
                if steps < STEPS:
                    self._given(file, function, name.id, positional, steps + 1)
                return
            if bound:
                return
            function = self._around[function]
        for home, value in self._defined(file, name.id):
            if not isinstance(value, FUNCTIONS):
                self.follow(home, value, steps)

    def _given(
        self, home: str, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, positional: list[str], steps: int
    ) -> None:
        """What callers give for a parameter."""
        method = positional[:1] in (["self"], ["cls"])
        place = positional.index(name) - method if name in positional else len(positional)
        known = function.name
        if known == "__init__":
            known = next(one.name for one in self._classes if function in one.body)
        for file, call in self._calls.get(known, []):
            by_name = isinstance(call.func, ast.Name)
            own = (
                isinstance(call.func, ast.Attribute)
                and ast.unparse(call.func.value) in ("self", "cls")
                and file == home
            )
            if not own and not (by_name and (file == home or self._imports(file, known, home))):
                continue
            given = call.args[place] if 0 <= place < len(call.args) else None
            for keyword in call.keywords:
                given = keyword.value if keyword.arg == name else given
            self.follow(file, given, steps)

    def _imports(self, file: str, name: str, home: str) -> bool:
        module = "veche." + home.removesuffix(".py").replace("/", ".")
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == module
            and any(alias.name == name for alias in node.names)
            for node in trees()[file].body
        )


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.AST]:
    """What a variable is bound to, by loops too."""
    yield from assigned(scope, name)
    for node in ast.walk(scope):
        match node:
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                if any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(target)):
                    yield value
