"""The words of the report that not every reader knows, each in a sentence or two."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word of the report; `key` is its anchor on the glossary's page."""

    key: str
    word: str
    means: str


TERMS = (
    Term(
        "rule",
        "rule",
        "What a document teaches and a recipe asks. Its verdict is that of the claims that are the rule.",
    ),
    Term(
        "reproduced",
        "reproduced",
        "The replicates show, with at most 5 % error, that the number lies where the rule says that it must.",
    ),
    Term(
        "contradicted",
        "contradicted",
        "The replicates show, with at most 5 % error, that the number does not lie where the rule says that it must.",
    ),
    Term(
        "inconclusive",
        "inconclusive",
        "The replicates show neither the one nor the other: they are too few, too different from each other, or too "
        "near to the limit. The reason stands beside the verdict.",
    ),
    Term(
        "surprising",
        "surprising",
        "A verdict against what was expected when the claim was written down, before anything was measured: a rule "
        "that should hold and is contradicted, or one that should not and is reproduced.",
    ),
    Term(
        "recipe",
        "recipe",
        "One versioned file that asks one documented question: what is trained, what is measured, which claims are "
        "made and which figures are drawn. reprise run replays it.",
    ),
    Term("family", "family", "Recipes on one subject, such as initialisation or schedules."),
    Term("document", "document", "A published text, such as the slides of a course, whose rules are replayed here."),
    Term(
        "claim",
        "claim",
        "A sentence with one number for each replicate and the interval in which that number must lie. Those with the "
        "role of a rule are what the document teaches; details tell why and when; tables are printed values.",
    ),
    Term("detail", "detail", "A claim on the mechanism, on conditions, or on what goes with the rule."),
    Term("arm", "arm", "One setting of an experiment, such as one learning rate: arms are compared with each other."),
    Term(
        "replicate",
        "replicate",
        "All arms of a recipe at one seed. Arms of a replicate share initial weights and the order of the data where "
        "the question allows, so that their differences are not chance.",
    ),
    Term("seed", "seed", "The number from which all that is random in a replicate is drawn: 1, 2, 3 and so on."),
    Term("n", "n", "The number of replicates that gave a number."),
    Term(
        "scale",
        "scale",
        "Full is the experiment as documented; quick is the same question in about a minute for one replicate. Their "
        "results are never pooled, and full stands for the recipe where there is one.",
    ),
    Term(
        "interval",
        "95 % interval",
        "Where the mean of very many replicates would lie: intervals computed so hold it in 95 of 100 experiments. "
        "For positive quantities it is that of the geometric mean.",
    ),
    Term("sd", "SD", "Standard deviation: how far replicates lie from their mean."),
    Term(
        "p",
        "p",
        "How often replicates would look like this, or clearer, if the number lay at the limit. It is adjusted (by "
        "Holm's method) for the number of claims of the same role.",
    ),
    Term(
        "exact-p",
        "exact p",
        "The same by flipping the signs of the replicates' distances from the limit, which assumes next to nothing; "
        "from six replicates on, not adjusted.",
    ),
    Term(
        "must-lie", "must lie", "The interval in which the document, or the claim's author, says that the number lies."
    ),
    Term("printed", "printed value", "The number that the document prints; a cross in the bars, and in figures."),
    Term("points", "points", "Percentage points: from 40 % to 42 % are two points."),
    Term(
        "nats",
        "nats",
        "The unit of a cross-entropy loss with the natural logarithm: guessing among ten costs ln 10 = 2.30.",
    ),
    Term(
        "place",
        "place",
        "A machine with an environment (Keras, the backend, their versions). Results of two places are put side by "
        "side and never pooled.",
    ),
    Term("backend", "backend", "What Keras computes with: TensorFlow, JAX or PyTorch."),
    Term(
        "reference",
        "reference",
        "The results that the project publishes, to compare a new machine with.",
    ),
    Term("elsewhere", "elsewhere", "The same rule at other scales and in other places than the one shown."),
    Term(
        "substitute",
        "substitute data",
        "Another data set than the documented one, taken since that one was not at hand. It shows that the recipe "
        "works, and says nothing on the rule.",
    ),
    Term(
        "erratum", "erratum", "Where the document is wrong or unclear: what it prints is kept, and the evidence told."
    ),
    Term("retired", "retired", "A claim that counts no more, and is kept since somebody may have cited it."),
    Term("record", "record", "The file with all that one replicate measured. Its name is the hash of its content."),
    Term("update", "update", "One step of the optimiser, on one batch."),
)

BY_KEY = {term.key: term for term in TERMS}
