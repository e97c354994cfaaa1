"""What `reprise gate --between` does with three environments or more: measure, keep, show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_reprise.base import columns, errors
from keras_reprise.cli.console import print_json, say, with_store

if TYPE_CHECKING:
    from keras_reprise.gate.change_points import Overview
    from keras_reprise.gate.settings import Settings
    from keras_reprise.store.store import Store


@dataclass(frozen=True)
class Between:
    """The environments that --between names, and what goes with them."""

    words: tuple[str, ...]
    reference: str | None
    occasion: bool
    figure: Path | None

    @property
    def many(self) -> bool:
        return len(self.words) > 2

    def require_sense(self) -> None:
        """UserError where options do not go with each other."""
        if len(self.words) == 1:
            raise errors.UserError(
                f"--between needs two environments or more; {self.words[0]!r} is one.\n"
                "Name the others behind it, each in quotes where it has blanks."
            )
        with_many = {"--reference": self.reference, "--occasion": self.occasion, "--figure": self.figure}
        given = [option for option, value in with_many.items() if value]
        if given and not self.many:
            raise errors.UserError(f"{given[0]} goes with --between and three environments or more.\nLeave it out.")


@dataclass(frozen=True)
class Shown:
    """Where a comparison is to be shown."""

    figure: Path | None
    junit_xml: Path | None
    markdown: Path | None
    as_json: bool


def plan_many(store: "Store", between: Between, settings: "Settings", name: str, as_json: bool) -> None:
    """Print what a comparison would measure."""
    from keras_reprise.gate import many_forecast
    from keras_reprise.gate.many import asked_for

    forecast = many_forecast.forecast(store, asked_for(between.words, between.reference, settings, name))
    if as_json:
        return print_json(forecast.facts)
    say(with_store(forecast.text))


def compare_many(
    store: "Store", between: Between, settings: "Settings", name: str, shown: Shown, note: Callable[[str], None]
) -> "Overview":
    """Measure what --between names, or read it where it was measured, and show it."""
    from keras_reprise.gate.change_points import Overview
    from keras_reprise.gate.explanations import explanations
    from keras_reprise.gate.many import asked_for, compare

    if between.figure and between.figure.suffix.lower() not in (".svg", ".pdf", ".png"):
        raise errors.UserError(f"{between.figure} is no SVG, PDF or PNG.\nName the figure's file something.svg.")
    asked = asked_for(between.words, between.reference, settings, name)
    known = explanations(store)
    found = Overview(compare(store, asked, note, occasion=between.occasion), known)
    show(found, shown)
    return found


def show(found: "Overview", shown: Shown) -> None:
    """Print a comparison, and write the files that were asked for."""
    from keras_reprise.base.files import write_atomically
    from keras_reprise.gate import overviews

    if shown.figure:
        from keras_reprise.report.comparison_figure import draw_comparison

        write_atomically(shown.figure, draw_comparison(found, shown.figure.suffix.lower().lstrip(".")))
    for path, text in ((shown.junit_xml, overviews.junit), (shown.markdown, overviews.markdown)):
        if path:
            write_atomically(path, text(found).encode())
    if shown.as_json:
        print_json(overviews.facts(found))
    else:
        say(overviews.table(found, columns.available()))


def following(options: Sequence[str], args: Sequence[str]) -> list[str]:
    """The command line with each of these options repeated before every word that follows it."""
    words: list[str] = []
    option = ""
    for word in args:
        if word.startswith("-"):
            option = word if word in options else ""
            words.append(word)
        else:
            words += [option, word] if option and words[-1] != option else [word]
    return words
