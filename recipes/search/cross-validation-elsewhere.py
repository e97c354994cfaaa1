"""Cross-validation chooses better than one split: linear models and networks compared.

Source: "Introduction to Deep Learning, Lecture 03", slide "Over and Under Fitting"
Data:   the 1,797 digits of scikit-learn, 200 of them to train and to choose on
Cost:   quick 19 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run cross-validation-elsewhere --scale full

The slide gives no experiment. Of twenty random settings one is chosen, by its error on a fifth of
the 200 images or by the mean of the errors on all five fifths, each time after training on the
rest. Every setting is then trained on all 200 and judged on the other 1,597 images. What a choice
loses is the chosen setting's error minus the lowest of the twenty. It depends on the ranges of the
settings, so what folds spare is a share of what the split loses. The linear model is least squares
with an L2 penalty; the 64-30-10 network's settings are rate and L2 penalty.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier

from keras_reprise import Arm, Dataset, Measurement, Metric, Order, Recipe, Scale, Scatter, Source
from keras_reprise import detail, equal, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier

IMAGES, FOLDS, SETTINGS = 200, 5, 20


def linear(replicate):
    """A function from data and a setting (two numbers in 0 to 1) to the test error."""

    def error(data, setting):
        model = RidgeClassifier(alpha=10 ** (8 * setting[0] - 4))
        model.fit(data.x_train, data.y_train)
        return 1 - model.score(data.x_test, data.y_test)

    return error


def network(replicate):
    """The same of a network."""
    model, sgd = (
        dense_classifier(replicate.seeds, 64, [30], 10, penalty=0.5),
        keras.optimizers.SGD(momentum=0.9),
    )
    restart, passes = snapshot(model, sgd), Order(passes=replicate.scale.epochs)

    def error(data, setting):
        restart()
        options = {"learning_rate": 10 ** (3 * setting[0] - 3.5), "order": passes, "epochs": 1}
        penalty = 10 ** (4 * setting[1] - 4)
        history = train(
            model, data, replicate, optimizer=sgd, batch_size=20, penalty=penalty, **options
        )
        return history.last["test_error"]

    return error


def measure(arm, replicate):
    images, digits = load_digits(return_X_y=True)
    error, found = {"linear": linear, "network": network}[arm.name](replicate), []
    lost, off = {"split": [], "folds": []}, {"split": [], "folds": []}
    for draw in range(replicate.scale.draws):
        random = replicate.seeds.generator("data", draw)
        order, settings = random.permutation(len(images)), random.random((SETTINGS, 2))
        x, y = (images[order] / 16).astype("float32"), digits[order].astype("int32")
        x_mine, y_mine = x[:IMAGES], y[:IMAGES]
        parts = np.arange(IMAGES) % FOLDS
        errors = []
        for fold in range(FOLDS):
            fit, held = parts != fold, parts == fold
            data = Dataset.of("fold", x_mine[fit], y_mine[fit], x_mine[held], y_mine[held])
            errors.append([error(data, setting) for setting in settings])
        data = Dataset.of("all", x_mine, y_mine, x[IMAGES:], y[IMAGES:])
        true = 100 * np.array([error(data, setting) for setting in settings])
        for name, estimate in (("split", errors[0]), ("folds", np.mean(errors, axis=0))):
            estimate = 100 * np.array(estimate)
            lost[name].append(true[np.argmin(estimate)] - true.min())
            off[name].append(np.abs(estimate - true).mean())
            pairs = zip(estimate, true, strict=True)
            found += [{"by": name, "estimate": guess, "error": value} for guess, value in pairs]
    metrics = {f"lost_{name}": np.mean(values) for name, values in lost.items()}
    metrics |= {f"off_{name}": np.mean(values) for name, values in off.items()}
    return Measurement(metrics | {"trainings": FOLDS}, trials=found)


def spared(arm):
    """The share of what choosing by a split loses that folds spare."""
    return 1 - metric(arm, "lost_folds") / metric(arm, "lost_split")


WORDS = {"linear": "linear models", "network": "networks"}
SPARED = "Share of a split's loss that folds spare a linear model minus that for a network"
LOSES = (metric("linear", "lost_split") > 0) & (metric("network", "lost_split") > 0)
CLAIMS = (
    *(
        rule(f"folds-choose-better-{arm}")
        .says(f"Among {words} five folds choose one with a lower test error than a split does.")
        .must(metric(arm, "lost_folds") < metric(arm, "lost_split"))
        for arm, words in WORDS.items()
    ),
    rule("spares-linear-models-a-larger-share", kind="discrete", expectation="MIXED")
    .says("Of what a split loses folds spare linear models a larger share than networks.")
    .must(spared("linear") > spared("network"), given=LOSES, measures=SPARED),
    *(
        detail(f"folds-tell-the-error-better-{arm}")
        .says(f"The folds' error is nearer to the test error of {words}, over all settings.")
        .must(metric(arm, "off_folds") < metric(arm, "off_split"))
        for arm, words in WORDS.items()
    ),
    detail("five-times-the-cost", kind="exact", expectation="MATH")
    .says("They take five trainings where a split takes one.")
    .must(metric("network", "trainings"), equal(5)),
)

RECIPE = Recipe(
    slug="cross-validation-elsewhere",
    version=2,
    question="Does cross-validation choose better than one split, and for which models?",
    sources=Source("dl-recap-slides", "Over and Under Fitting"),
    arms=(
        Arm("linear", "linear least squares with an L2 penalty"),
        Arm("network", "a network of one hidden layer"),
    ),
    scales=(Scale("quick", draws=3, epochs=20), Scale("full", draws=20, epochs=50)),
    measure=measure,
    claims=CLAIMS,
    figures=Scatter("Validation and test errors", "estimate", "error", color="by", diagonal=True),
    metrics=(
        Metric("estimate", "error by one split or by five folds", "percent"),
        Metric("error", "test error", "percent"),
        Metric("trainings", "trainings of a setting by folds"),
        *(
            metric
            for name, words in (("split", "one split"), ("folds", "five folds"))
            for metric in (
                Metric(f"lost_{name}", f"error lost by choosing by {words}", "points"),
                Metric(
                    f"off_{name}", f"distance of the error by {words} from the test error", "points"
                ),
            )
        ),
    ),
)
