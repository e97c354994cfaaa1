"""The tutorial is true: its commands and its Python, run as they stand there, lead to what it says."""

import ast
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPE = "two-hidden-units.py"


def steps() -> list[tuple[str, str]]:
    """The blocks of the page in their order: commands (no language) and Python; what is typed in a shell is not run."""
    return [(language, text) for language, text in BLOCK.findall(PAGE.read_text("utf-8")) if language != "sh"]


def with_the_edit(source: str, edit: str) -> str:
    """A recipe file in which what the edit assigns takes the place of what it had: a name, or an argument of RECIPE."""
    (assignment,) = ast.parse(edit).body
    assert isinstance(assignment, ast.Assign)
    name = ast.unparse(assignment.targets[0])
    places = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.keyword) and node.arg == name]
    places += [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    (old,) = places
    whole = ast.get_source_segment(source, old)
    assert whole is not None
    return source.replace(whole, ast.unparse(assignment.value))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder that lies in no checkout, as any reader's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_from_nothing_to_a_verdict_of_ones_own(here, reprise, capsys):
    pytest.importorskip("pandas", reason="pandas is missing (pip install 'keras-reprise[dataframes]')")
    told: dict[tuple[int, str], str] = {}
    for language, text in steps():
        if language == "python" and text.startswith(f"# in {RECIPE}"):
            (here / RECIPE).write_text(with_the_edit((here / RECIPE).read_text("utf-8"), text), "utf-8")
        elif language == "python":
            exec(compile(text, str(PAGE), "exec"), {})
        else:
            for line in text.strip().splitlines():
                done = reprise(*line.removeprefix("reprise ").split())
                assert done.exit_code == 0, f"{line}\n{done.output}"
                told[len(told), line] = done.stdout
    verdicts = [text for (_, line), text in told.items() if line.startswith("reprise verdict two-hidden-units")]
    assert [text.split("\n\n")[1].split()[0] for text in verdicts] == ["inconclusive", "reproduced"]
    assert any(line.startswith("reprise verdict") and "l1-l2-toy" in text for (_, line), text in told.items())
    assert (here / "tutorial" / "reports" / "index.html").is_file()
    printed = capsys.readouterr().out
    assert "two-hidden-units" in printed
    assert "eight" in printed


def test_every_command_of_the_tutorial_is_run_by_the_test_above():
    """But for the installation, which is all that the blocks for a shell hold."""
    shell = "".join(text for language, text in BLOCK.findall(PAGE.read_text("utf-8")) if language == "sh")
    assert "reprise " not in shell.replace("keras-reprise", "")
    commands = [line for language, text in steps() if not language for line in text.strip().splitlines()]
    assert len(commands) > 8
    assert all(line.startswith("reprise ") for line in commands)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [("# why\nCLAIMS = (3,)", "CLAIMS = (3,)\nRECIPE = Recipe(arms=(1,))"),
     ("arms = (4, 5)", "CLAIMS = (1,\n2)\nRECIPE = Recipe(arms=(4, 5))")],
)  # fmt: skip
def test_an_edit_takes_the_place_of_what_was_there(edit, expected):
    assert with_the_edit("CLAIMS = (1,\n2)\nRECIPE = Recipe(arms=(1,))", edit) == expected
