"""Commands about a store as a whole: check, merge."""

import sys
from pathlib import Path

import click

from keras_reprise.base import errors
from keras_reprise.cli.console import open_store, print_json, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main


@main.command()
@STORE_OPTION
@JSON_OPTION
def check(store_path: Path | None, as_json: bool) -> None:
    """Re-hash every stored file and name those that are truncated, edited, misplaced or refer to nothing; read the
    baselines and the comparisons of environments.

    Example: reprise check --store results
    """
    store = open_store(store_path)
    if not store.root.is_dir():
        raise errors.NothingMeasuredError(
            f"There is no store at {store.root}.\nGive --store the folder that holds records/."
        )
    from keras_reprise.base.progress import counter
    from keras_reprise.gate.comparisons import check_comparisons
    from keras_reprise.gate.explanations import check_explanations
    from keras_reprise.gate.stored import check_baselines
    from keras_reprise.store.checking import check

    with counter("files") as tell:
        files, problems = check(store, tell)
    for check_more in (check_baselines, check_comparisons, check_explanations):
        more, unusable = check_more(store)
        files, problems = files + more, problems + unusable
    count = files
    if as_json:
        print_json({"files": count, "problems": [{"path": p.path, "fault": p.fault} for p in problems]})
    else:
        for problem in problems:
            say(problem.fault)
        click.echo(f"{count} files checked, {len(problems)} broken.")
    if problems:
        sys.exit(errors.BROKEN)
    if not count:
        raise errors.NothingMeasuredError(
            "The store is empty, so nothing was checked.\n`reprise run --suite quickstart` fills one."
        )


@main.command()
@click.argument("other", type=click.Path(path_type=Path))
@STORE_OPTION
@JSON_OPTION
def merge(other: Path, store_path: Path | None, as_json: bool) -> None:
    """Bring records and comparisons of environments from another store, such as one of a machine without git: all of
    them valid, or none is taken.

    Example: reprise merge ../from-the-cluster/results
    """
    from keras_reprise.base.progress import counter
    from keras_reprise.gate.comparisons import comparison_files, to_merge, write_comparison
    from keras_reprise.judge import comparable
    from keras_reprise.judge.judging import judged_otherwise
    from keras_reprise.store import merging
    from keras_reprise.store.store import Store

    store = open_store(store_path)
    comparisons = to_merge(store, Store(other))
    if comparison_files(other) and not Store(other).record_names():
        merged = merging.Merged((), 0, 0)
        store.make_writable()
    else:
        with counter("records") as tell:
            merged = merging.merge(store, Store(other), tell)
    for path, comparison in comparisons.new.items():
        write_comparison(path, comparison)
    summaries = store.summaries()[0]
    records, repeated = len(merged.names), comparable.repeated(summaries, merged.names)
    otherwise = judged_otherwise(summaries, store, Store(other))
    if as_json:
        facts = {"documents": merged.documents, "present": merged.present, "unknown": merged.unknown}
        facts["judged_otherwise"] = otherwise
        if comparisons.new or comparisons.present:
            facts |= {"comparisons": len(comparisons.new), "comparisons_present": comparisons.present}
        return print_json({"records": records, "repeated": repeated} | facts)
    click.echo(
        f"{records} records and {merged.documents} documents merged, {merged.present} records were here already."
    )
    if comparisons.new or comparisons.present:
        click.echo(
            f"{len(comparisons.new)} comparisons of environments merged, {comparisons.present} were here already."
        )
    if merged.unknown:
        click.echo(
            f"{merged.unknown} of them are of a source that the lock does not know: they are shown apart, and count "
            "for none of the package's recipes."
        )
    if otherwise:
        click.echo(
            f"Judged by another card there than here, which was not brought: {otherwise} of one's own measurements. "
            "Running their recipe here names its card."
        )
    if repeated:
        click.echo(
            f"{repeated} of them are of seeds that were measured here, too; of each the record that was finished "
            "first counts."
        )
