"""The front page's cards: a recipe's rule with its one verdict, the number that decides, and where it was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_reprise.judge.groups import Group
from keras_reprise.report.site.pages import FigureView, RecipePage, Section
from keras_reprise.report.site.places import PlaceView
from keras_reprise.report.telling import Told, told

EXPECTED = ("MATH", "VERIFIED-HERE", "LIKELY")  # what a claim's author expects to hold
UNEXPECTED = "FALSE-AS-STATED"
WORDS = ("reproduced", "contradicted", "inconclusive")


@dataclass(frozen=True)
class RuleAnswer:
    """What one group says of the rule; `verdict` is "" where the card names no rule."""

    group: Group
    place: PlaceView
    verdict: str
    told: Told | None
    surprising: bool

    @property
    def counted(self) -> str:
        """The verdict by which rules are counted; "" on substitute data, which say nothing on the rule."""
        return "" if self.group.substitute else self.verdict

    @property
    def n(self) -> int:
        deciding = self.group.rule.deciding
        return deciding.n if deciding else len(self.group.complete)

    @property
    def reason(self) -> str:
        """Why the verdict is not more than inconclusive; "" where it is, or nothing is said."""
        deciding = self.group.rule.deciding
        return deciding.reason if deciding and self.verdict == "inconclusive" else ""

    @property
    def more(self) -> int:
        """How many claims the rule has beside the one that decides."""
        return max(0, len(self.group.rule.claims) - 1)


@dataclass(frozen=True)
class RuleCard:
    """A recipe on the front page. `answers` are those of its own numbers, the one that stands for it first; `elsewhere`
    is that of the reference results, where these are others than the report's."""

    page: RecipePage
    answers: tuple[RuleAnswer, ...]
    figure: FigureView | None
    reference: RuleAnswer | None = None

    @property
    def others(self) -> list[tuple[str, int]]:
        """The verdicts of the answers that do not stand for the recipe, counted; none on substitute data."""
        found = [one.counted for one in self.answers[1:]]
        return [(word, found.count(word)) for word in WORDS if word in found]

    @property
    def on_both(self) -> "BothDevices | None":
        """The rule's answers on a CPU and on a GPU, at one scale on one data set if there are such; None where it was
        measured on one of them only. Those on substitute data are left out."""
        named = [one for one in self.answers if one.counted]
        by_device = {device: [one for one in named if one.place.device == device] for device in ("CPU", "GPU")}
        pairs = [(cpu, gpu) for gpu in by_device["GPU"] for cpu in by_device["CPU"]]
        alike = [(cpu, gpu) for cpu, gpu in pairs if cpu.group.setting == gpu.group.setting]
        return BothDevices(self.page, *(alike or pairs)[0]) if pairs else None


@dataclass(frozen=True)
class BothDevices:
    """A rule that was measured on a CPU and on a GPU."""

    page: RecipePage
    cpu: RuleAnswer
    gpu: RuleAnswer

    @property
    def same(self) -> bool:
        """Whether both sides decide the rule, and alike."""
        return not self._open and self.cpu.verdict == self.gpu.verdict

    @property
    def differ(self) -> bool:
        """Whether both sides decide the rule, each otherwise."""
        return not self._open and not self.same

    @property
    def why(self) -> str:
        """What stands against the verdict of a side that is not decided; where both are, that the numbers differ."""
        if self.same:
            return ""
        reasons = [f"on the {one.place.device}: {one.reason}" for one in self._open]
        return "; ".join(reasons) or "Both are decided: the numbers differ."

    @property
    def _open(self) -> list[RuleAnswer]:
        return [one for one in (self.cpu, self.gpu) if one.verdict == "inconclusive"]


def rule_card(page: RecipePage, reference: Mapping[tuple[str, int], Sequence[tuple[Group, PlaceView]]]) -> RuleCard:
    """The card of a recipe's page; `reference` holds the groups of the reference results by recipe and version, the one
    that stands for it first."""
    answers = tuple(answer(section.group, section.place) for section in page.evidence)
    return RuleCard(page, answers, page.shown, _reference(page, reference))


def answer(group: Group, place: PlaceView) -> RuleAnswer:
    """What a group says of the rule."""
    rule, deciding = group.rule, group.rule.deciding
    if deciding is None or rule.verdict is None:
        return RuleAnswer(group, place, "", None, surprising=False)
    claim = next(one for one in group.card.claims if one.id == deciding.claim)
    against = rule.verdict == "contradicted" and claim.expectation in EXPECTED
    otherwise = against or (rule.verdict == "reproduced" and claim.expectation == UNEXPECTED)
    surprising = otherwise and not group.substitute
    return RuleAnswer(group, place, rule.verdict, told(deciding, claim), surprising)


def _reference(
    page: RecipePage, reference: Mapping[tuple[str, int], Sequence[tuple[Group, PlaceView]]]
) -> RuleAnswer | None:
    """The reference's answer: of the scale and data set that stand here, else of those that stand there."""
    found = [one for one in reference.get((page.card.slug, page.card.version), ()) if one[0].stands]
    if not found:
        return None
    standing: Section | None = page.evidence[0] if page.evidence else None
    alike = [one for one in found if standing and one[0].setting == standing.group.setting]
    return answer(*(alike or found)[0])
