"""The folders of the package are the flow: whoever is lower never imports what is higher, lazily or for types either."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "keras_reprise"

READING = ("base", "record", "figures", "catalog", "store", "judge", "gate", "report", "cli")
"""From the store to the reader, lowest first."""

MEASURING = (
    "base",
    "record",
    "figures",
    "catalog",
    "datasets",
    "recipe",
    "networks",
    "engine",
    "measure",
    "procedures",
    "run",
    "cli",
)
"""From the recipe to the record, lowest first."""

BESIDES = {
    "run": {"store", "judge", "report"},
    "__init__": {*MEASURING[: MEASURING.index("cli")], "report"},
    "__main__": {"cli"},
}
"""What a layer may import of the other side; `__init__` is what recipes and notebooks see of the package."""

VOCABULARY = {
    "networks": {"activations", "callbacks", "digits", "flops", "models", "residual", "schedules", "whitening"},
    "procedures": {"peak_memory", "rates", "search", "transfer", "two_layer"},
}
"""The layers of the modules at the package's top, which recipes import: what the engine may use too, and what uses the engine."""

HEAVY = {"keras", "tensorflow", "jax", "torch", "pandas", "matplotlib", "seaborn", "sklearn"}
BACKENDS = {"keras", "tensorflow", "jax", "torch"}
FILES = sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    """The dotted name of a file below the package's; "" for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def layer(module: str) -> str:
    """The layer that a module is in; KeyError when it is in none."""
    if not module:
        return "__init__"
    first = module.split(".")[0]
    if first in {*READING, *MEASURING, "__main__"} - set(VOCABULARY):
        return first
    return {name: of for of, names in VOCABULARY.items() for name in names}[module]


def may_import(importer: str, imported: str) -> bool:
    """Whether a layer may import another one, or itself."""
    below = {one for chain in (READING, MEASURING) if importer in chain for one in chain[: chain.index(importer) + 1]}
    return imported in below | BESIDES.get(importer, set()) | {importer}


@cache
def imports(path: Path) -> frozenset[str]:
    """All that a file imports, anywhere in it: modules of the package by their names within it, others by their first name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}:{node.lineno}: imports in the package are absolute"
            assert node.module is not None
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {one for one in inner if one.removeprefix("keras_reprise.") in MODULES}
            found |= modules if len(modules) == len(inner) else modules | {node.module}
    return frozenset(found)


def outside(path: Path) -> set[str]:
    """The first names of all that a file imports."""
    return {one.split(".")[0] for one in imports(path)}


def own(path: Path) -> set[str]:
    """The modules of the package that a file imports."""
    names = {one for one in imports(path) if one.split(".")[0] == "keras_reprise"}
    return {one.removeprefix("keras_reprise").removeprefix(".") for one in names}


def test_a_file_imports_its_own_layer_and_lower_ones():
    climbs = {
        (name, one) for name, path in MODULES.items() for one in own(path) if not may_import(layer(name), layer(one))
    }
    assert not climbs


def reached(start: Path) -> set[str]:
    """The modules that a file imports, and those that these import, lazily too."""
    seen: set[str] = set()
    waiting = own(start)
    while waiting:
        name = waiting.pop()
        if name and name not in seen:
            seen.add(name)
            waiting |= own(MODULES[name])
    return seen


def test_no_files_import_each_other_in_a_circle():
    TopologicalSorter({name: own(path) - {name} for name, path in MODULES.items()}).prepare()


def test_no_two_public_classes_share_a_name():
    where: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, set()).add(name)
    assert len(where) > 100
    assert not {name: modules for name, modules in where.items() if len(modules) > 1}


def test_no_two_modules_of_a_folder_differ_by_an_s():
    assert not {name for name in MODULES if f"{name}s" in MODULES}


def test_readers_reach_no_keras():
    readers = [name for name in MODULES if layer(name) in READING and layer(name) != "cli"]
    heavy = {name for name, path in MODULES.items() if outside(path) & BACKENDS}
    assert heavy
    assert not {(reader, name) for reader in readers for name in {reader, *reached(MODULES[reader])} & heavy}


def test_only_the_backend_files_import_a_backend():
    found = {name: outside(path) & (BACKENDS - {"keras"}) for name, path in MODULES.items()}
    strays = {
        name: used
        for name, used in found.items()
        if used and not (name.startswith("engine.backends.") and used == {name.split(".")[-1].split("_")[0]})
    }
    assert not strays


def test_only_figures_draw():
    drawing = {"seaborn", "pandas", "matplotlib"}
    users = {name for name, path in MODULES.items() if outside(path) & drawing}
    assert users
    others = {
        "report.history_figure",
        "report.comparison_figure",
        "report.frames.results",
    }  # which gives DataFrames away, and draws nothing
    assert not {name for name in users if layer(name) != "figures"} - others


def test_declaring_figures_loads_nothing_that_draws():
    code = f"""import sys, keras_reprise, keras_reprise.figures as figures
assert figures.known_kinds(), "no kinds"
print(sorted({HEAVY!r} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["--help"], ["show", "cifar10-lr-drop"], ["status"], ["verdict"], ["check"], ["cite", "lr-nan"]],
    ids=" ".join,
)
def test_reading_commands_load_nothing_heavy(arguments):
    code = (
        "import sys\nfrom keras_reprise.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show", "lr-nan", "--json"]], ids=" ".join)
def test_what_recipes_there_are_is_read_without_numbers_and_without_what_measures(arguments):
    """A hundred recipes are listed before NumPy would have been imported."""
    measuring = [f"keras_reprise.{one}" for one in MEASURING[MEASURING.index("datasets") : MEASURING.index("cli")]]
    code = (
        "import sys\nfrom keras_reprise.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([one for one in sys.modules if one in ('numpy', 'scipy', 'keras_reprise.store', *"
        f"{measuring!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("layers", "allowed"),
    [(("store", "judge"), False), (("judge", "store"), True), (("engine", "datasets"), True), (("run", "judge"), True),
     (("report", "recipe"), False), (("gate", "run"), False), (("base", "record"), False), (("engine", "measure"), False),
     (("engine", "procedures"), False), (("measure", "store"), False), (("cli", "run"), True)],
)  # fmt: skip
def test_who_may_import_whom(layers, allowed):
    assert may_import(*layers) == allowed


def test_a_module_in_no_layer_is_an_error():
    with pytest.raises(KeyError):
        layer("helpers")
