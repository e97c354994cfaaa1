"""The store and everything right of it never imports Keras, and nothing but the backend files imports a backend."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "keras_reprise"
READING = (
    "errors",
    "claims",
    "stats",
    "seeds",
    "recipe",
    "record",
    "catalog",
    "store",
    "files",
    "parallel",
    "integrity",
    "merging",
    "missing",
    "judge",
    "describe",
    "printing",
    "documents",
    "reference",
    "figures",
    "report",
    "groups",
    "gate",
    "history",
    "noise",
    "regression",
    "compare",
    "sides",
    "quantities",
    "identifiers",
    "citing",
    "latex",
    "markup",
    "check_citations",
    "export",
    "git",
    "lockfile",
    "package_code",
    "environment",
    "sources",
    "measurement",
    "numerics",
    "source",
    "versions",
    "cli",
    "console",
    "launch",
    "progress",
    "replaying",
    "replicates",
    "interruption",
    "run",
    "schedule",
    "tasks",
    "executors",
    "worker",
)
HEAVY = {"keras", "tensorflow", "jax", "torch", "pandas", "seaborn", "sklearn"}


def imports(path: Path, *, top_level: bool) -> set[str]:
    """The modules that a file imports, at its top level only or anywhere."""
    tree = ast.parse(path.read_text())
    nodes = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))]
    found = set()
    for node in (child for top in nodes for child in (ast.walk(top) if not top_level else [top])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("name", READING)
def test_reading_modules_do_not_import_keras(name):
    files = [SOURCE / f"{name}.py"] if (SOURCE / f"{name}.py").exists() else sorted((SOURCE / name).glob("*.py"))
    assert files
    for module in (module for file in files for module in imports(file, top_level=True)):
        assert module.split(".")[0] not in {"keras", "tensorflow", "jax", "torch"}
        assert not module.startswith("keras_reprise.engine")


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_only_the_backend_files_import_a_backend(path):
    backends = {module.split(".")[0] for module in imports(path, top_level=False)} & {"tensorflow", "jax", "torch"}
    assert not backends or path.name.startswith(f"_{backends.pop()}")


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_only_figures_imports_seaborn(path):
    assert path.parent.name == "figures" or not {module.split(".")[0] for module in imports(path, top_level=False)} & {
        "seaborn",
        "pandas",
        "matplotlib",
    }


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["--help"], ["show", "cifar10-lr-drop"], ["status"], ["verdict"], ["check"], ["cite", "lr-nan"]],
)
def test_reading_commands_load_nothing_heavy(arguments):
    code = f"import sys\nfrom keras_reprise.cli import main\ntry:\n    main({arguments!r})\nexcept SystemExit:\n    pass\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
