"""The pages that walk the rules of a published document in its own order, with what the recipes found beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.catalog.documents import Document, DocumentRule, documents
from keras_reprise.judge.rule_verdict import RuleVerdict, together
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.schema import ClaimCard
from keras_reprise.report.site.cards import WORDS
from keras_reprise.report.site.pages import RecipePage
from keras_reprise.report.telling import Told, told


@dataclass(frozen=True)
class RecipeAnswer:
    """What a recipe says of a document's rule, by the numbers that stand for the recipe.

    `page` is None where it has no records here, `verdict` where these decide nothing of the rule.
    """

    slug: str
    page: RecipePage | None
    verdict: RuleVerdict | None
    named: bool  # the rule names claims of the recipe, rather than all that are the recipe's rule
    opposite: bool

    @property
    def says(self) -> str:
        """The sentence that was judged: the recipe's, or that of the deciding claim."""
        if self.page is None:
            return self.slug
        deciding = self.verdict.deciding if self.verdict and self.named else None
        return self._card(deciding).says if deciding else self.page.card.title

    @property
    def link(self) -> str:
        """Where that stands, on the recipe's page."""
        deciding = self.verdict.deciding if self.verdict and self.named else None
        anchor = f"#claim-{deciding.claim}" if deciding else ""
        return f"{self.page.stem}.html{anchor}" if self.page else ""

    @property
    def told(self) -> Told | None:
        """The number that decides."""
        deciding = self.verdict.deciding if self.verdict else None
        return told(deciding, self._card(deciding)) if deciding else None

    @property
    def more(self) -> int:
        """How many claims are judged beside the one that decides."""
        return max(0, len(self.verdict.claims) - 1) if self.verdict else 0

    def _card(self, verdict: Verdict) -> ClaimCard:
        assert self.page is not None
        return next(one for one in self.page.card.claims if one.id == verdict.claim)


@dataclass(frozen=True)
class RuleView:
    """A rule with the recipes that answer it."""

    rule: DocumentRule
    answers: tuple[RecipeAnswer, ...]


@dataclass(frozen=True)
class DocumentPage:
    """One document; `sections` are its titles with their rules."""

    document: Document
    sections: tuple[tuple[str, tuple[RuleView, ...]], ...]

    @property
    def stem(self) -> str:
        return f"document-{self.document.key}"

    @property
    def tally(self) -> list[tuple[str, int]]:
        """Its rules by their verdicts, each by the first of its recipes, as far as they have one of the documented
        data."""
        answers = [view.answers[0] for _, rules in self.sections for view in rules if view.answers]
        found = [one.verdict.verdict for one in answers if one.verdict and one.page and not one.page.substitute]
        return [(word, found.count(word)) for word in WORDS if word in found]

    @property
    def told(self) -> str:
        """How much of the document is replayed, in a sentence."""
        rules = self.document.rules
        testable = [rule for rule in rules if rule.testable]
        answered = sum(bool(rule.recipes) for rule in testable)
        return (
            f"{len(rules)} sentences, {len(testable)} of which an experiment or a computation can test; "
            f"{answered} of these have a recipe so far."
        )


def document_pages(pages: Sequence[RecipePage]) -> tuple[DocumentPage, ...]:
    """A page for each document that one of these recipes replays."""
    by_slug = {page.card.slug: page for page in pages if not page.foreign}
    return tuple(
        DocumentPage(
            document,
            tuple(
                (section.title, tuple(_view(rule, by_slug) for rule in section.rule)) for section in document.section
            ),
        )
        for document in documents().values()
        if any(slug in by_slug for rule in document.rules for slug in rule.recipes)
    )


def _view(rule: DocumentRule, by_slug: dict[str, RecipePage]) -> RuleView:
    return RuleView(rule, tuple(_answer(rule, slug, by_slug.get(slug)) for slug in rule.recipes))


def _answer(rule: DocumentRule, slug: str, page: RecipePage | None) -> RecipeAnswer:
    named = bool(rule.named(slug))
    standing = page.standing if page else None
    counting = [one for one in standing.group.verdicts if one.counts] if standing else []
    claims = [one for one in counting if (rule.is_said_by(slug, one.claim) if named else one.role == "rule")]
    verdict = together(rule.says, claims, opposite=rule.opposite) if claims else None
    return RecipeAnswer(slug, page, verdict, named, rule.opposite)
