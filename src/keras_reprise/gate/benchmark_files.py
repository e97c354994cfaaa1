"""What a benchmark file measures, read from its source: names that hide each other, and whether a name still means the
same benchmark.
"""

import ast
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard


def hidden(files: Sequence[str]) -> list[str]:
    """A sentence on every benchmark that another one of the same name hides, so that it is never measured."""
    said = []
    for file in files:
        for body, within in _bodies(_parsed(file)):
            lines: dict[str, list[int]] = {}
            for node in body:
                if _is_test(node):
                    lines.setdefault(node.name, []).append(node.lineno)
            said += [
                f"{file} has {within}{name} {len(found)} times (lines {', '.join(map(str, found))}), of which only the "
                "last is measured: give each a name of its own."
                for name, found in lines.items()
                if len(found) > 1
            ]
    return said


def digests(files: Sequence[str]) -> dict[str, str]:
    """A hash of each benchmark by `file::function`: of its own source and of all that is no benchmark in its file.

    Comments and layout do not count. A file that is no Python has none.
    """
    found: dict[str, str] = {}
    for file in files:
        tree = _parsed(file)
        tests = [(within, node) for body, within in _bodies(tree) for node in body if _is_test(node)]
        own = {f"{file}::{within.replace('.', '::')}{node.name}": ast.dump(node) for within, node in tests}
        for body, _ in _bodies(tree):
            body[:] = [node for node in body if not _is_test(node)]
        rest = ast.dump(tree)
        found |= {name: hashlib.sha256(f"{source}\0{rest}".encode()).hexdigest()[:12] for name, source in own.items()}
    return found


def edited(metrics: Sequence[str], before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The metrics whose benchmark is another one than before, though its name is the same."""
    functions = {metric: metric.split("[", 1)[0] for metric in metrics}
    return {m for m, name in functions.items() if name in before and name in now and before[name] != now[name]}


def line_of(metric: str) -> int | None:
    """The line on which a benchmark begins in its file, None for a peak of memory or what is not there."""
    file, _, name = metric.partition("[")[0].partition("::")
    for body, within in _bodies(_parsed(file)):
        for node in body:
            if _is_test(node) and f"{within.replace('.', '::')}{node.name}" == name:
                return node.lineno
    return None


def _parsed(file: str) -> ast.Module:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):  # running it says what is wrong
        return ast.Module([], [])


def _bodies(tree: ast.Module) -> list[tuple[list[ast.stmt], str]]:
    """The statements of the module and of its classes, nested ones too, with what stands before a name in them."""
    found: list[tuple[list[ast.stmt], str]] = [(tree.body, "")]
    for body, within in found:
        found += [(one.body, f"{within}{one.name}.") for one in body if isinstance(one, ast.ClassDef)]
    return found


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Whether it is named as a test, or takes pytest-benchmark's fixture: projects may name benchmarks otherwise."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if any("fixture" in ast.dump(decorator) for decorator in node.decorator_list):
        return False
    fixtures = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    return node.name.startswith("test") or bool(fixtures & {"benchmark", "benchmark_weave"})
