"""What somebody meant who misspelt a name: the nearest of those there are, first."""

import ast
import contextlib
import difflib
import inspect
import linecache
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from traceback import walk_tb
from types import FrameType, ModuleType

ALIKE = 0.6  # from which share of equal letters on two names are taken for each other
_KEYWORD = re.compile(r"nexpected keyword argument '(\w+)'")
_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


def nearest_first(name: str, known: Iterable[str]) -> list[str]:
    """The known names, the one that is most like `name` first; the others in their order."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=ALIKE)
    return [*near, *(one for one in names if one not in near)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for the known name that is most like `name`; nothing when none is."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=ALIKE)
    return f"did you mean `{near[0]}`?" if near else ""


def hint(error: BaseException, file: Path) -> str:
    """For a keyword or name that is not there, used in `file`: which was meant, and of keywords which there are."""
    frames = list(walk_tb(error.__traceback__))
    if not frames or frames[-1][0].f_code.co_filename != str(file):
        return ""  # a library's own
    frame, line = frames[-1]
    if isinstance(error, TypeError) and (found := _KEYWORD.search(str(error))):
        return _of_keywords(found[1], frame, line)
    if isinstance(error, ImportError) and (found := _IMPORTED.search(str(error))):
        module = sys.modules.get(found[2])
        return did_you_mean(found[1], getattr(module, "__all__", dir(module)))
    if isinstance(error, NameError) and error.name:
        return did_you_mean(error.name, {**frame.f_globals, **frame.f_locals})
    if isinstance(error, AttributeError) and error.name and _may_be_listed(error.obj):
        return did_you_mean(error.name, dir(error.obj))
    return ""


def _may_be_listed(value: object) -> bool:
    """Whether listing what an object has runs nobody's code: a module, or an object of this package."""
    return isinstance(value, ModuleType) or type(value).__module__.split(".")[0] == __package__.split(".")[0]


def _of_keywords(name: str, frame: FrameType, line: int) -> str:
    """Which keywords there are of what a frame called at a line with a keyword of this name."""
    called = _called(name, frame, line)
    names: list[str] = []
    with contextlib.suppress(TypeError, ValueError):  # what is built in may not say
        parameters = inspect.signature(called).parameters.values() if callable(called) else ()
        names = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not names:
        return ""
    takes = f"{getattr(called, '__name__', 'it')} takes {', '.join(names)}"
    meant = did_you_mean(name, names)
    return f"{meant} {takes}" if meant else takes


def _called(name: str, frame: FrameType, line: int) -> object:
    """The innermost thing that is called with this keyword where a frame is; None when the source does not tell."""
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    except (SyntaxError, ValueError, RecursionError):
        return None
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or line)
        if any(word.arg == name for word in node.keywords)
    ]
    if not calls:
        return None
    innermost = max(calls, key=lambda node: (node.lineno, node.col_offset))
    return _value(innermost.func, {**frame.f_globals, **frame.f_locals})


def _value(node: ast.expr, names: Mapping[str, object]) -> object:
    """What `a` or `a.b.c` stands for."""
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, names), node.attr, None)
    return names.get(node.id) if isinstance(node, ast.Name) else None
