"""Where no human problem is at hand, a simple model does well enough.

Source: "Lecture 7: Practical considerations for training deep models", slide "Default Baseline
        Models"
Data:   scikit-learn's breast cancer (569 x 30) and wine (178 x 13); cifar10, flattened
Cost:   quick 30 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run simple-model-first --scale full

The slide names logistic regression and linear support vector machines, and no problem. Ours: two
tables of measurements, and as the human problem images. The simple models' strength of L2 is the
best of three on validation data, a fifth of those for training; the deep network, two hidden layers
of 100 ReLU units for a table, a convnet for images, is trained with SGD and momentum and has the
best of three rates on the same. Tables are split anew, half to test, as often as the scale says.
Well enough is read as within two points of the deep network.
"""

import keras
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Recipe, Scale, Source, detail
from keras_reprise import evaluate, mean, metric, rule, snapshot, train
from keras_reprise.models import activated

STRENGTHS, RATES = (1e-4, 1e-2, 1.0), (0.003, 0.01, 0.03)
TABLES = {"breast-cancer": load_breast_cancer, "wine": load_wine}
SIMPLE = {
    "logistic": lambda strength: LogisticRegression(C=strength, max_iter=300, tol=1e-3),
    "linear_svm": lambda strength: SVC(kernel="linear", C=strength),
}


def split(arm, replicate, draw):
    """Examples and classes to train and to test, standardised by the training examples."""
    if arm.name not in TABLES:
        data = replicate.dataset().standardised()
        return data.x_train, data.y_train, data.x_test, data.y_test
    x, y = TABLES[arm.name](return_X_y=True)
    order = replicate.seeds.generator("data", draw).permutation(len(y))
    x, y, half = x[order], y[order].astype("int32"), len(y) // 2
    x = ((x - x[:half].mean(axis=0)) / x[:half].std(axis=0)).astype("float32")
    return x[:half], y[:half], x[half:], y[half:]


def error_of_simple(make, x, y, x_test, y_test):
    flat, fifth = x.reshape(len(x), -1), len(x) // 5

    def right(strength):
        return make(strength).fit(flat[fifth:], y[fifth:]).score(flat[:fifth], y[:fifth])

    best = make(max(STRENGTHS, key=right)).fit(flat[fifth:], y[fifth:])
    return 100 * (1 - best.score(x_test.reshape(len(x_test), -1), y_test))


def error_of_deep(arm, replicate, x, y, x_test, y_test):
    fifth, sgd = len(x) // 5, keras.optimizers.SGD(momentum=0.9)
    layers = {"convolutions": arm.convolutions, "dense": arm.dense}
    data = Dataset.of("training part", x[fifth:], y[fifth:], x[:fifth], y[:fifth])
    model = activated(replicate.seeds, x.shape[1:], int(y.max()) + 1, "relu", **layers)
    restart, found, sizes = snapshot(model, sgd), [], {"epochs": replicate.scale.epochs}
    for rate in RATES:
        restart()
        sizes |= {"learning_rate": rate, "batch_size": 25}
        history = train(model, data, replicate, optimizer=sgd, **sizes)
        wrong = 100 * evaluate(model, x_test, y_test)[1].mean()
        found.append((history.last["test_error"], history.last["test_loss"], wrong))
    return min(found)[-1]


def measure(arm, replicate):
    draws = replicate.scale.draws if arm.name in TABLES else 1

    def errors(draw):
        parts = split(arm, replicate, draw)
        simple = {name: error_of_simple(make, *parts) for name, make in SIMPLE.items()}
        return simple | {"deep": error_of_deep(arm, replicate, *parts)}

    trials = replicate.sweep([{"draw": draw} for draw in range(draws)], errors)
    metrics = {name: trials.column(name).mean() for name in (*SIMPLE, "deep")}
    return Measurement(metrics, {name: [value] for name, value in metrics.items()}, trials=trials)


def behind(problem, model):
    """By how many points the simple model errs more than the deep network."""
    return metric(problem, model) - metric(problem, "deep")


CLAIMS = (
    *(
        rule(f"{model.replace('_', '-')}-is-enough-for-tables")
        .says(f"On tables a {words} errs at most two points more than a deep network.")
        .must(mean(*(behind(table, model) for table in TABLES)) < 2)
        for model, words in (("logistic", "logistic regression"), ("linear_svm", "linear SVM"))
    ),
    detail("deep-network-is-needed-for-images")
    .says("On images a convnet errs less than logistic regression by more than five points.")
    .must(behind("cifar10", "logistic") > 5),
    *(
        detail(f"logistic-is-enough-for-{table}")
        .says(f"On the data of {table} logistic regression is within two points.")
        .must(behind(table, "logistic") < 2)
        for table in TABLES
    ),
)
TABLE = {"convolutions": (), "dense": (100, 100)}

RECIPE = Recipe(
    slug="simple-model-first",
    version=1,
    question="Is a simple statistical model good enough?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    data="cifar10",
    arms=(
        Arm("breast-cancer", "benign or malignant, 30 measurements", **TABLE),
        Arm("wine", "three kinds, 13 measurements", **TABLE),
        Arm("cifar10", "images", convolutions=(16, 32), dense=(64,)),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=2_000, epochs=15, draws=4),
        Scale("full", n_train=10_000, epochs=30, draws=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Test error of the deep network and of logistic regression", "logistic", x="deep"
    ),
    metrics=(
        Metric("logistic", "test error, logistic regression", "percent"),
        Metric("linear_svm", "test error, linear support vector machine", "percent"),
        Metric("deep", "test error, deep network", "percent"),
        Metric("draw", "split"),
    ),
)
