"""Files that are imported were measured: what would say what to measure is refused, not passed over."""

import pytest


@pytest.mark.parametrize(
    "option",
    [["--between", ".", "backend:jax"], ["--rounds", "3"], ["--benchmarks", "bench.py"], ["--recipe", "lr-nan"]],
    ids=" ".join,
)
def test_what_says_what_to_measure_does_not_go_with_imported_files(reprise, store_path, option):
    files = ["--import-benchmarks", "now.json", "--against", "before.json"]
    result = reprise("gate", *files, *option, "--store", store_path)
    assert result.exit_code == 2
    assert f"eave out {option[0]}" in result.output or f"{option[0]} says what is measured" in result.output
    assert "No such file" not in result.output
