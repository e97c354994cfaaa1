"""Of redundant features an L1 penalty picks a few, an L2 penalty takes all with similar weights.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03",
        slides "L1 and L2 Regularizations" (a cat classifier)
Data:   none (five noisy features of two classes, made inside)
Cost:   quick 15 s per replicate, full 90 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run redundant-features --scale full

The slide has a classifier of five features (furry, eyes, tail, paws, ears), and no numbers. Ours:
each feature is the class, -1 or 1, plus noise of its own of standard deviation 1; 100 animals to
train on. Logistic regression, whose penalty has the strength of the lowest loss on 100 further
animals, of 13 from 1e-4 to 1, for both penalties alike; details also take the strongest penalty
within one standard error of that loss. Proximal steps make weights exactly zero. In the arms
"copies" 95 % of the noise's variance is shared: the features repeat each other. "A few" is read as
fewer than half of the five, "similar" as the smallest weight being at least half of the largest.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail, metric
from keras_reprise import rule
from keras_reprise.search import log_grid

FEATURES, ANIMALS, STRENGTHS = 5, 100, log_grid(1e-4, 1.0, 13)
PENALTIES = {
    "l1": lambda w, push: np.sign(w) * np.maximum(abs(w) - push, 0),
    "l2": lambda w, push: w / (1 + 2 * push),
}


def animals(draw, arm, shape):
    """Features with a column of ones (draws, animals, 6), and classes -1 or 1 (draws, animals)."""
    classes = draw.choice([-1.0, 1.0], shape)
    shared, own = draw.standard_normal(shape), draw.standard_normal((*shape, FEATURES))
    features = (classes + arm.shared * shared)[..., None] + arm.own * own
    return np.concatenate([features, np.ones((*shape, 1))], axis=-1), classes


def margins(weights, x, classes):
    return classes * np.matmul(x, weights[..., None])[..., 0]


def fitted(x, classes, weights, strength, proximal, updates):
    """The weights (draws, 6) of the lowest penalised loss: proximal steps, accelerated (FISTA)."""
    step = 4 / np.linalg.eigvalsh(np.matmul(x.transpose(0, 2, 1), x) / ANIMALS)[:, -1:]
    ahead, momentum = weights, 1.0
    for _ in range(updates):
        pull = classes / (1 + np.exp(margins(ahead, x, classes)))
        after = ahead + step * np.matmul(pull[:, None], x)[:, 0] / ANIMALS
        after[:, :-1] = proximal(after[:, :-1], step * strength)
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = after + (momentum - 1) / faster * (after - weights)
        weights, momentum = after, faster
    return weights


def measure(arm, replicate):
    draw, draws = replicate.seeds.generator("data"), replicate.scale.draws
    training, validation, test = (animals(draw, arm, (draws, n)) for n in (ANIMALS, ANIMALS, 1000))
    weights, found, losses, errors = np.zeros((draws, FEATURES + 1)), [], [], []
    for strength in STRENGTHS[::-1]:  # each from where the stronger one ended
        proximal = PENALTIES[arm.penalty]
        weights = fitted(*training, weights, strength, proximal, replicate.scale.updates)
        found.append(weights)
        loss = np.logaddexp(0, -margins(weights, *validation))
        losses.append(loss.mean(axis=1))
        errors.append(loss.std(axis=1) / np.sqrt(ANIMALS))
    found, best, every = np.array(found), np.argmin(losses, axis=0), np.arange(draws)
    bound = np.min(losses, axis=0) + np.array(errors)[best, every]
    weights, strong = found[best, every], found[np.argmax(losses <= bound, axis=0), every]
    sizes = -np.sort(-abs(weights[:, :-1]), axis=1)
    metrics = {
        "used": (sizes > 0).sum(axis=1).mean(),
        "used_at_strong": (strong[:, :-1] != 0).sum(axis=1).mean(),
        "evenness": (sizes[:, -1] / sizes[:, 0]).mean(),
        "in_two": (sizes[:, :2].sum(axis=1) / sizes.sum(axis=1)).mean(),
        "accuracy": 100 * (margins(weights, *test) > 0).mean(),
    }
    return Measurement(metrics, {"size": sizes.mean(axis=0), "weight": weights[0, :-1]})


CLAIMS = (
    rule("l1-uses-a-few")
    .says("With the L1 penalty fewer than half of the features have a weight.")
    .must(metric("l1", "used") < FEATURES / 2),
    rule("l2-uses-all", kind="discrete")
    .says("With the L2 penalty all have one.")
    .must(metric("l2", "used") >= FEATURES),
    rule("l2-weights-are-similar")
    .says("And the smallest is at least half of the largest.")
    .must(metric("l2", "evenness") > 0.5),
    detail("l1-focuses-more")
    .says("The two largest have more of all weight under L1 than under L2.")
    .must(metric("l1", "in_two") > metric("l2", "in_two")),
    detail("l1-uses-a-few-at-the-strongest", kind="discrete")
    .says("At the strongest L1 penalty within one standard error fewer than half have a weight.")
    .must(metric("l1", "used_at_strong") < FEATURES / 2),
    detail("l1-uses-a-few-copies")
    .says("Where the features repeat each other, fewer than half have a weight under L1.")
    .must(metric("l1-copies", "used") < FEATURES / 2),
    detail("l2-copies-are-similar")
    .says("And under L2 the smallest weight is at least half of the largest.")
    .must(metric("l2-copies", "evenness") > 0.5),
)

RECIPE = Recipe(
    slug="redundant-features",
    version=1,
    question="How many of five redundant features does a penalised classifier use?",
    sources=Source("dl-recap-slides", "L1 and L2 Regularizations"),
    arms=(
        Arm("l1", "L1, noise of their own", penalty="l1", shared=0.0, own=1.0),
        Arm("l2", "L2, noise of their own", penalty="l2", shared=0.0, own=1.0),
        Arm("l1-copies", "L1, most noise shared", penalty="l1", shared=0.95**0.5, own=0.05**0.5),
        Arm("l2-copies", "L2, most noise shared", penalty="l2", shared=0.95**0.5, own=0.05**0.5),
    ),
    scales=(Scale("quick", draws=100, updates=2_000), Scale("full", draws=200, updates=5_000)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Weights, from the largest to the smallest", "size"),
    metrics=(
        Metric("size", "size of the weight", "", "feature, largest weight first"),
        Metric("used", "features with a weight"),
        Metric("used_at_strong", "features with a weight at the strongest penalty"),
        Metric("evenness", "smallest weight over the largest"),
        Metric("in_two", "share of the two largest in all weight", "share"),
        Metric("accuracy", "test accuracy", "percent"),
    ),
)
