"""The pages that walk the rules of a published document in its own order, with what the recipes found beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.catalog.documents import Document, DocumentRule, documents
from keras_reprise.report.site.cards import WORDS
from keras_reprise.report.site.pages import RecipePage


@dataclass(frozen=True)
class RecipeAnswer:
    """A recipe that answers a rule; `page` is None where it has no records here."""

    slug: str
    page: RecipePage | None


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
        """Its rules by the verdict of the first recipe that answers them, as far as they have one of the documented
        data."""
        answers = [view.answers[0].page for _, rules in self.sections for view in rules if view.answers]
        found = [page.rule.verdict for page in answers if page and page.rule and not page.substitute]
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
    return RuleView(rule, tuple(RecipeAnswer(slug, by_slug.get(slug)) for slug in rule.recipes))
