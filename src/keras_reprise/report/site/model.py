"""The whole report, from which all its pages are written."""

from dataclasses import dataclass, field
from functools import cached_property

from keras_reprise.base.version import __version__
from keras_reprise.judge import compare
from keras_reprise.report.site.cards import WORDS, BothDevices, RuleCard
from keras_reprise.report.site.gate_pages import GatePages
from keras_reprise.report.site.machine_pages import MachinePage
from keras_reprise.report.site.missing_page import MissingPage
from keras_reprise.report.site.pages import RecipePage, Section
from keras_reprise.report.site.places import PlaceView


@dataclass(frozen=True)
class Site:
    """The whole report."""

    recipes: tuple[RecipePage, ...]
    machines: tuple[MachinePage, ...]
    places: tuple[PlaceView, ...]
    comparisons: tuple[compare.Comparison, ...]
    records: int
    version: str = __version__
    problems: int = 0
    superseded: tuple[RecipePage, ...] = field(default=())
    cards: tuple[RuleCard, ...] = ()
    gate: GatePages = field(default_factory=GatePages)
    missing: MissingPage | None = None
    store_option: str = ""  # ends the commands that the pages print for this store
    whole: bool = False  # whether it leaves out nothing of the store

    @property
    def families(self) -> list[str]:
        return sorted({page.family for page in self.recipes})

    @property
    def documents(self) -> list[str]:
        return sorted({document for page in self.recipes for document in page.documents})

    @cached_property
    def tally(self) -> dict[str, int]:
        """Rules by the verdict of the group that stands for their recipe; those on substitute data are not counted."""
        found = [page.rule.verdict for page in self.recipes if page.rule and not page.substitute]
        return {word: found.count(word) for word in WORDS}

    @property
    def on_substitutes(self) -> int:
        """The number of rules that were replayed on substitute data alone, which say nothing on them."""
        return sum(bool(page.rule) and page.substitute for page in self.recipes)

    @property
    def surprising(self) -> int:
        """The number of rules whose verdict is not what was expected of them."""
        return sum(bool(card.answers) and card.answers[0].surprising for card in self.cards)

    @property
    def on_both(self) -> list[BothDevices]:
        """The rules that were measured on a CPU and on a GPU; those with two verdicts first."""
        return sorted((both for card in self.cards if (both := card.on_both)), key=lambda both: both.same)

    @property
    def backends(self) -> dict[str, str]:
        """The backends that were measured on, by what environments call them, in the words of the report."""
        return {place.backend: place.backend_words for place in sorted(self.places, key=lambda one: one.backend)}

    def cited(self, page: RecipePage, section: Section) -> str:
        """What `reprise cite` has to be given for the numbers of a section: the recipe's name where that means them,
        else their identifier."""
        named = self.whole and section is page.standing and any(page is one for one in self.recipes)
        return section.group.slug if named else section.group.identifier

    @property
    def devices(self) -> list[str]:
        return sorted({place.device for place in self.places})
