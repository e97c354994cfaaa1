"""What the report's pages show: one model that the HTML and the Markdown are both written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from keras_reprise.base.errors import printable
from keras_reprise.base.progress import format_seconds
from keras_reprise.figures.chart import Chart
from keras_reprise.judge.groups import Group
from keras_reprise.judge.rule_verdict import RuleVerdict
from keras_reprise.record.costs import GroupCost
from keras_reprise.record.schema import Card
from keras_reprise.report import phrases
from keras_reprise.report.site.bars import ClaimAxis
from keras_reprise.report.site.claim_views import ClaimView, Result
from keras_reprise.report.site.places import PlaceView
from keras_reprise.report.telling import Told, told
from keras_reprise.store.store import Summary


@dataclass(frozen=True)
class FigureView:
    """A figure's file, and what it shows in words and numbers; or why it is not drawn. `shows_rule`: it draws
    something of which the rule's claims are made."""

    file: str
    caption: str
    fault: str | None = None
    shows_rule: bool = False
    title: str = ""
    chart: Chart | None = None

    @property
    def stem(self) -> str:
        """The name of its own page."""
        return f"figure-{self.file.rpartition('/')[2].removesuffix('.svg')}"


@dataclass(frozen=True)
class Section:
    """One group on its recipe's page: results, figures, cost, records."""

    group: Group
    place: PlaceView
    results: tuple[Result, ...]
    figures: tuple[FigureView, ...]
    figures_elsewhere: bool
    cost: GroupCost

    @property
    def tally(self) -> str:
        return phrases.tally(self.group.verdicts)

    @property
    def explained(self) -> str:
        """Why the rule has its verdict here, in a sentence; nothing where no rule is named."""
        return phrases.explained(self.group)

    @property
    def told(self) -> Told | None:
        """The number that decides the rule here, in words; None where no rule is named."""
        deciding = self.group.rule.deciding
        if deciding is None:
            return None
        return told(deciding, next(one for one in self.group.card.claims if one.id == deciding.claim))

    @property
    def apart(self) -> str:
        """Why these numbers stand apart from the recipe's; nothing where they are its own."""
        group = self.group
        if group.foreign:
            return f"These numbers are of {group.whose}. They are no evidence for the package's recipe of this name."
        return f"These numbers are of {group.whose}." if group.superseded else ""

    @property
    def replay(self) -> str:
        """The command that measures these numbers again, on one line whatever its data set is called."""
        return printable(phrases.replay(self.group.replicates, self.place.environment_facts)).replace("\n", " ")

    @property
    def cost_rows(self) -> list[list[str]]:
        """Arm, parameters, seconds, milliseconds per update, peak memory in GiB, and joules of the GPU where any arm
        tells them: medians over the replicates.
        """
        return [
            [
                arm,
                f"{cost.params:,}" if cost.params else "-",
                f"{median(cost.total_s):.1f}" if cost.total_s else "-",
                f"{1000 * median(cost.step_s):.2f}" if cost.step_s else "-",
                f"{cost.peak_memory_bytes / 2**30:.2f}" if cost.peak_memory_bytes else "-",
                *([_joules(cost.alone_energy_j)] if self.tells_energy else []),
            ]
            for arm, cost in self.cost.arms.items()
        ]

    @property
    def tells_energy(self) -> bool:
        return any(cost.alone_energy_j for cost in self.cost.arms.values())

    @property
    def cost_note(self) -> str:
        busy = f" Mean load of the machine meanwhile: {self.cost.load:.1f}." if self.cost.load is not None else ""
        energy = " Joules are of the whole GPU, of arms that had it alone." if self.tells_energy else ""
        return (
            "Medians over the replicates; the memory is the process's largest while the arm ran (older records: "
            f"until then).{busy}{energy}"
        )

    @property
    def records(self) -> list[tuple[Summary, str, str]]:
        """Each replicate with its duration and the state of the code it ran from."""
        return [(s, format_seconds(s.duration_s), _code(s)) for s in self.group.replicates]


@dataclass(frozen=True)
class RecipePage:
    """One recipe version."""

    card: Card
    family: str
    sections: tuple[Section, ...]
    others: tuple[str, ...]
    axes: Mapping[str, ClaimAxis]
    replaced: str = ""  # why a later version was made of it

    @property
    def stem(self) -> str:
        return f"{self.card.slug}-v{self.card.version}"

    @property
    def evidence(self) -> tuple[Section, ...]:
        """The sections whose numbers are the recipe's: of no other source under its name, and none replaced."""
        return tuple(section for section in self.sections if section.group.stands)

    @property
    def foreign(self) -> bool:
        """Whether nothing of this page is of the package's recipe whose name it bears."""
        return all(section.group.foreign for section in self.sections)

    @property
    def name(self) -> str:
        return f"{self.card.slug}@{self.card.version}"

    @property
    def documents(self) -> list[str]:
        return sorted({source.key for source in self.card.sources})

    @cached_property
    def claims(self) -> list[ClaimView]:
        """What the recipe's own numbers say; records of other sources have sections of their own."""
        by_claim: dict[str, list[Result]] = {claim.id: [] for claim in self.card.claims}
        for section in self.evidence:
            for result in section.results:
                by_claim.setdefault(result.verdict.claim, []).append(result)
        return [ClaimView(claim, tuple(by_claim[claim.id]), self.axes.get(claim.id)) for claim in self.card.claims]

    @property
    def rule(self) -> RuleVerdict | None:
        """The rule's verdict by the numbers that stand for the recipe; None where there are none, or no rule is
        named."""
        found = self.evidence[0].group.rule if self.evidence else None
        return found if found and found.verdict else None

    @property
    def standing(self) -> Section | None:
        """The section that stands for the recipe."""
        return self.evidence[0] if self.evidence else None

    @property
    def substitute(self) -> bool:
        """Whether what stands for the recipe is of substitute data: then there is nothing of the documented ones."""
        return self.standing is not None and self.standing.group.substitute

    @property
    def shown(self) -> FigureView | None:
        """The figure that shows the rule: of those drawn of what stands for the recipe, or else of another place, the
        first that draws something of the rule's claims."""
        drawn = [[one for one in section.figures if not one.fault] for section in self.evidence]
        first = next((figures for figures in drawn if figures), [])
        return next((one for one in first if one.shows_rule), first[0] if first else None)

    def by_role(self, role: str) -> list[ClaimView]:
        """The claims of a role that count; of a card without roles all are details."""
        return [one for one in self.claims if not one.card.retired and (one.card.role or "detail") == role]

    @property
    def retired(self) -> list[ClaimView]:
        """Claims that are kept since they may have been cited."""
        return [one for one in self.claims if one.card.retired]

    @property
    def errata(self) -> list[str]:
        return sorted({claim.erratum for claim in self.card.claims if claim.erratum})

    @property
    def printed(self) -> list[ClaimView]:
        """The claims that count for which the document prints a number, and those of its tables."""
        counting = [claim for claim in self.claims if not claim.card.retired]
        return [claim for claim in counting if claim.card.printed is not None or claim.card.role == "table"]

    @property
    def as_printed(self) -> int:
        """Of how many of these the number is as printed, by what stands for the recipe."""
        found = [claim.results[0].verdict.verdict for claim in self.printed if claim.results]
        return found.count("reproduced")


def _code(summary: Summary) -> str:
    commit = summary.code.git_commit
    if commit is None:
        return f"package {summary.code.package_version}"
    return f"commit {commit[:10]}{' with uncommitted changes' if summary.code.dirty else ''}"


def _joules(found: list[float]) -> str:
    return f"{median(found):,.0f}" if found else "-"
