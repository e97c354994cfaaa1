"""The page of one figure: large, with its numbers, what its rule asks of a curve, and how to take it along."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec
from markupsafe import Markup

from keras_reprise.base.errors import printable
from keras_reprise.figures.chart import Chart
from keras_reprise.record import wording
from keras_reprise.record.expressions.grammar import At, CurveOf, Expression, MetricOf, Reduced, Window
from keras_reprise.record.schema import ClaimCard
from keras_reprise.report.cite import citations
from keras_reprise.report.site.pages import FigureView, RecipePage, Section

LEVELS = ("first", "last", "mean", "median", "minimum", "maximum")  # of a curve, in the curve's own unit
IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Limit:
    """A number that a claim of the rule sets for a curve: where it must lie, or what is printed."""

    arm: str
    curve: str
    y: float
    label: str

    @property
    def drawn_as(self) -> str:
        """What charts call the curve."""
        return self.curve.replace("_", " ")


@dataclass(frozen=True)
class FigurePage:
    """One figure of a group."""

    page: RecipePage
    section: Section
    figure: FigureView

    @property
    def stem(self) -> str:
        return self.figure.stem

    @property
    def others(self) -> list[FigureView]:
        """The group's figures that have pages."""
        return [one for one in self.section.figures if not one.fault]

    @property
    def citation(self) -> str:
        """The group's sentence as `reprise cite` prints it, without the hash of the folder of its records."""
        group, place = self.section.group, self.section.place
        cited = citations.Citation(
            group=group,
            key=group.slug,
            hardware=place.hardware,
            short_hardware=wording.short_hardware(place.machine_facts),
            software=place.software,
            swhid=None,
            replay=self.section.replay,
        )
        return f"{self.figure.title}. {citations.sentence(cited)}"

    @cached_property
    def limits(self) -> list[Limit]:
        """What the rule's claims ask of the curves that the figure draws."""
        chart = self.figure.chart
        if chart is None or not chart.axes:
            return []
        drawn = {(arm, curve) for _, arm, curve in (series.of for series in chart.series)}
        rule = [claim for claim in self.page.card.claims if claim.role == "rule" and not claim.retired]
        return [one for claim in rule for one in _limits(claim) if (one.arm, one.drawn_as) in drawn]

    @property
    def limits_said(self) -> list[str]:
        return [f"{one.label} (`{one.curve}` of `{one.arm}`)" for one in self.limits]

    @property
    def numbers(self) -> Markup:
        """The page's data as JSON that can stand in a script; nothing of it is ever markup."""
        chart = self.figure.chart or Chart((), (), ())
        shown = {"name": self.stem, "chart": msgspec.to_builtins(chart), "limits": list(self._placed(chart))}
        text = json.dumps(_printable(shown), ensure_ascii=False, separators=(",", ":"))
        return Markup("".join(IN_SCRIPT.get(letter, letter) for letter in text))  # escaped above

    def _placed(self, chart: Chart) -> Iterator[dict[str, object]]:
        """The limits in the panels that draw their curves."""
        for one in self.limits:
            of = [series.of for series in chart.series]
            for panel in dict.fromkeys(panel for panel, arm, curve in of if (arm, curve) == (one.arm, one.drawn_as)):
                yield {"panel": panel, "y": one.y, "label": one.label}


def figure_pages(pages: tuple[RecipePage, ...]) -> Iterator[FigurePage]:
    """A page for each figure that is drawn."""
    for page in pages:
        for section in page.sections:
            for figure in section.figures:
                if not figure.fault:
                    yield FigurePage(page, section, figure)


def _limits(claim: ClaimCard) -> Iterator[Limit]:
    of = _curve(claim.value)
    if of is None:
        return
    low, high = claim.interval
    for end, word in ((low, "above"), (high, "below")):
        if end is not None and low != high:
            yield Limit(of.arm, of.name, end, f"must lie {word} {wording.number(end, 3)}")
    if claim.printed is not None:
        yield Limit(of.arm, of.name, claim.printed, f"printed: {wording.number(claim.printed, 3)}")


def _curve(value: Expression | None) -> CurveOf | MetricOf | None:
    """The curve of which a claim's number is a point or a mean, or the metric that ends one; None for all others."""
    if isinstance(value, MetricOf):
        return value
    if isinstance(value, At) or (isinstance(value, Reduced) and value.by in LEVELS):
        inner: Expression = value.of
        while isinstance(inner, Window):
            inner = inner.of
        return inner if isinstance(inner, CurveOf) else None
    return None


def _printable(value: object) -> object:
    """The same with what no reader could see made visible."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _printable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(one) for one in value]
    return value
