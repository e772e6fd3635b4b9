"""With which names the program raises an error: collected from its source, not by running it.

From each call of an error's class the argument that names the rule or step is followed to the strings that it can be:
through constants, local variables, and the parameters of helper functions. An argument that cannot be followed raises
:class:`CannotFollow`: no list can be complete then, so the test that asked must fail, and the code must say the name plainly.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"

PASSED_ON = {
    ("veche.ledger.machine", "verdict.rule"),
    ("veche.engine.inbox", "answer['rule']"),
    ("veche.ledger.entries.ballot", "failure.rule"),
    ("veche.cli.collecting", "self.answer.rule"),
    ("veche.cli.registrar", "answer.rule"),
    ("veche.audit.compare", "error.step"),
    ("veche.cli.entry_file", "refused.rule"),
    ("veche.demo.network", "refusal['rule']"),
    ("veche.node.handing", "refusal.rule"),
}
"""Names that only travel: another process raised them, and its source is read like all other; or the kernel names them."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class CannotFollow(AssertionError):
    """A name that the program makes up as it runs."""


@dataclass
class Module:
    """A file of the source: its tree, and for each node the functions around it, the innermost last."""

    name: str
    tree: ast.Module
    around: dict[ast.AST, tuple[Function, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._walk(self.tree, ())

    def _walk(self, node: ast.AST, functions: tuple[Function, ...]) -> None:
        self.around[node] = functions
        inner = (*functions, node) if isinstance(node, Function) else functions
        for child in ast.iter_child_nodes(node):
            self._walk(child, inner)

    def calls(self, name: str) -> Iterator[ast.Call]:
        """The calls of a function or method of this name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                match node.func:
                    case ast.Name(id=called) | ast.Attribute(attr=called) if called == name:
                        yield node


@cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        found[name] = Module(name, ast.parse(path.read_text(encoding="utf-8")))
    return found


def collected(error: str) -> set[str]:
    """Every name that an error of this class is raised with, anywhere in the source."""
    assert not any(
        isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == error for base in node.bases)
        for module in modules().values()
        for node in ast.walk(module.tree)
    ), f"a subclass of {error} may have names of its own: collect them too"
    found: set[str] = set()
    for module in modules().values():
        _called_by_its_name(module, error)
        for call in module.calls(error):
            found |= follow(module, argument(call, 0, "rule" if error == "Refused" else "step"), call, ())
    return found


def _called_by_its_name(module: Module, error: str) -> None:
    """Nobody hands the class on, to be called under another name."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass")):
                continue
            case ast.Call(args=values):
                pass
            case ast.Assign(value=ast.expr() as value) | ast.AnnAssign(value=ast.expr() as value):
                values = [value]
            case _:
                continue
        if any(isinstance(value, ast.Name) and value.id == error for value in values):
            raise CannotFollow(f"{module.name}, line {node.lineno}: {error} is called under another name")


def argument(call: ast.Call, position: int, name: str) -> ast.expr:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if len(call.args) <= position or any(isinstance(arg, ast.Starred) for arg in call.args[: position + 1]):
        raise CannotFollow(f"line {call.lineno}: {ast.unparse(call)} has no argument {name}")
    return call.args[position]


def follow(module: Module, value: ast.expr, place: ast.AST, seen: tuple[ast.AST, ...]) -> set[str]:
    """The strings that an expression at this place can be."""
    if value in seen:
        return set()
    seen = (*seen, value)
    match value:
        case ast.Constant(value=str(name)):
            return {name}
        case ast.IfExp(body=one, orelse=other):
            return follow(module, one, place, seen) | follow(module, other, place, seen)
        case ast.Name(id=name):
            return _variable(module, name, value, place, seen)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if (owner := _imported(module, name)) is not None:
            return _constant(modules()[owner], attribute, seen)
    if (module.name, ast.unparse(value)) in PASSED_ON:
        return set()
    raise CannotFollow(
        f"{module.name}, line {value.lineno}: {ast.unparse(value)} is not a name that stands in the source"
    )


def _variable(module: Module, name: str, value: ast.expr, place: ast.AST, seen: tuple[ast.AST, ...]) -> set[str]:
    for function in reversed(module.around[place]):
        parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        found = list(assigned(function, name))
        if len(found) != _bindings(function, name):
            raise CannotFollow(f"{module.name}, line {value.lineno}: {name} is not only assigned, but bound otherwise")
        if name in parameters or name in [arg.arg for arg in function.args.kwonlyargs]:
            if found:
                raise CannotFollow(f"{module.name}, line {value.lineno}: the parameter {name} is assigned anew")
            return _parameter(module, function, name, parameters, seen)
        if found:
            return {string for each in found for string in follow(module, each, place, seen)}
    return _constant(module, name, seen)


def _parameter(
    owner: Module, function: Function, name: str, parameters: list[str], seen: tuple[ast.AST, ...]
) -> set[str]:
    """What the callers of a helper function give for a parameter."""
    method = parameters[:1] in (["self"], ["cls"])
    position = parameters.index(name) - method if name in parameters else len(parameters)
    found: set[str] = set()
    called = False
    for module in modules().values():
        for call in module.calls(function.name):
            if _reaches(module, call, owner, function.name, method):
                called = True
                found |= follow(module, argument(call, position, name), call, seen)
    if not called:
        raise CannotFollow(f"nobody calls {function.name}, which raises by the name of its parameter {name}")
    return found


def _reaches(module: Module, call: ast.Call, owner: Module, name: str, method: bool) -> bool:
    """Whether a call can be one of this function of another (or the same) module. In doubt it can."""
    match call.func:
        case ast.Name():
            return not method and (module is owner or _source_of(module, name) == (owner.name, name))
        case ast.Attribute(value=ast.Name(id=object_name)) if (other := _imported(module, object_name)) is not None:
            return not method and other == owner.name
    return method and (module is owner or not name.startswith("_"))


def assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """What is assigned to a variable; whatever else binds it (a loop, a pattern) cannot be followed."""
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        yield value
                    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                        pairs = zip(target.elts, value.elts, strict=True)
                        yield from (each for to, each in pairs if isinstance(to, ast.Name) and to.id == name)
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                yield value


def _bindings(scope: ast.AST, name: str) -> int:
    """How often a variable is bound, in whatever way."""
    return sum(
        1
        for node in ast.walk(scope)
        if (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.MatchAs | ast.MatchStar) and node.name == name)
    )


def _constant(module: Module, name: str, seen: tuple[ast.AST, ...]) -> set[str]:
    """A constant of a module, or one that it imports."""
    for node in module.tree.body:
        values = [] if isinstance(node, Function | ast.ClassDef) else list(assigned(node, name))
        if values:
            return {string for value in values for string in follow(module, value, node, seen)}
    source = _source_of(module, name)
    if source is not None and source[0] in modules():
        return _constant(modules()[source[0]], source[1], seen)
    raise CannotFollow(f"{module.name}: {name} is not a constant that stands in the source")


def _source_of(module: Module, name: str) -> tuple[str, str] | None:
    """Where a name of a module is imported from: that module, and its name there."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return node.module, alias.name
    return None


def _imported(module: Module, name: str) -> str | None:
    """The module of the source that goes by this name in another."""
    source = _source_of(module, name)
    return None if source is None or ".".join(source) not in modules() else ".".join(source)


def kernel_rules() -> set[str]:
    """The rules that the kernel names: the literals of ``Failure.rule`` in its description."""
    stubs = ast.parse((SOURCE.parent / "kernel/python/veche_kernel/_veche_kernel.pyi").read_text(encoding="utf-8"))
    (failure,) = (node for node in stubs.body if isinstance(node, ast.ClassDef) and node.name == "Failure")
    (rule,) = (node for node in failure.body if isinstance(node, ast.FunctionDef) and node.name == "rule")
    match rule.returns:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=names)):
            return {str(name.value) for name in names if isinstance(name, ast.Constant)}
    raise CannotFollow("Failure.rule is no Literal")
