"""The command `certificate`: one page that certifies a replay, and a badge."""

import sys
from pathlib import Path

import click

from keras_reprise.base import errors
from keras_reprise.cli.console import Selection, print_json, read_store, say_wrapped
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION, selecting
from keras_reprise.cli.root import main

FILE = click.Path(path_type=Path, dir_okay=False)


@main.command()
@click.argument("recipes", nargs=-1)
@click.option(
    "--output", type=FILE, help="PDF file, with the JSON beside it; or only a JSON file (default: certificate.pdf)."
)
@click.option(
    "--badge", "badge_file", type=FILE, help='Write an SVG for a README: "12 of 13 rules reproduced on H100".'
)
@selecting
@STORE_OPTION
@JSON_OPTION
def certificate(
    recipes: tuple[str, ...], output: Path | None, badge_file: Path | None, store_path: Path | None, as_json: bool,
    selection: Selection,
) -> None:  # fmt: skip
    """Certify a replay on one page: what was replayed, with which code and data, on what, when, with which verdicts.

    It is about one machine and environment: of several the one where most was measured (--machine, --environment
    name another). Whoever has the records checks it with `reprise check-citations certificate.json`.

    Examples: reprise certificate --machine 505037d4

              reprise certificate cifar10-lr-drop --output lr-drop.pdf

              reprise certificate --badge badge.svg
    """
    from keras_reprise.base.files import make_folder, write_atomically
    from keras_reprise.figures.page import draw_page
    from keras_reprise.judge import groups
    from keras_reprise.report.cite import certificate as certifying
    from keras_reprise.report.cite.badge import badge

    summaries, store, broken = read_store(store_path, recipes, selection)
    found = groups.gather(summaries, store)
    chosen = certifying.chosen(found)
    content = certifying.build(chosen, store)
    files: dict[Path, bytes] = {}
    if badge_file is not None:
        files[badge_file] = badge(content).encode()
    if output is not None or badge_file is None:
        page = output or Path("certificate.pdf")
        if page.suffix not in (".pdf", ".json"):
            raise errors.UserError(f"A certificate is a PDF and a JSON file, not {page.name}.\nEnd its name in .pdf.")
        files[page.with_suffix(".json")] = certifying.encoded(content)
        if page.suffix == ".pdf":
            files[page] = draw_page(certifying.page(content, chosen))
    for path, written in files.items():
        make_folder(path.parent)
        write_atomically(path, written)
    if as_json:
        print_json(content)
    else:
        others = len(certifying.places(found)) - 1
        more = f" {others} other places are in the store; --machine and --environment name one." if others else ""
        say_wrapped(f"{certifying.headline(content)}: {', '.join(map(str, files))}.{more}")
        if any(path.suffix == ".json" for path in files):
            name = next(path for path in files if path.suffix == ".json")
            say_wrapped(f"Certificate {str(content['id'])[:12]}. Check it with `reprise check-citations {name}`.")
    for reason in dict.fromkeys(group.uncitable for group in chosen if group.uncitable):
        click.echo(f"reprise: not citable: {errors.printable(reason)}", err=True)
    if broken:
        sys.exit(errors.BROKEN)
