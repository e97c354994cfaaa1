"""Images need centring only: dividing by the deviation or whitening gains nothing more.

Source: "Deep Network Components & Training" (after CS231n), slides "Step 1: Preprocess the data"
        and "In practice for images: center only"
Data:   cifar10
Cost:   quick 40 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 9 min (one of two workers, Intel Xeon)
Replay: reprise run preprocess-variants --scale full

The slides contradict each other: one divides every feature by its deviation, the next does not for
images. Both are judged. The network is the document's own, of its training logs: 3072-50-10 with
ReLU and normal weights of 0.0001; plain SGD, batches of 100. Each variant has the best of five
rates of its own, since pixels of 0 to 255 need far lower ones, chosen on half of the test images
and judged on the other half from other initial weights. Whitened images are their first 144
components, as in Stanford's notes. Details ask the same from He's weights, which were made for
inputs of unit variance. What one rate for all costs is in mistake-not-normalised.
"""

from dataclasses import replace

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import equal, metric, printed_value, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, tuned
from keras_reprise.search import log_grid
from keras_reprise.two_layer import two_layer
from keras_reprise.whitening import PrincipalComponents

COMPONENTS, RAW, UNIT = 144, log_grid(1e-4, 1e-2, 5), log_grid(1e-2, 1.0, 5)
VARIANTS = {
    "as-stored": ("0 to 255", RAW),
    "mean-image": ("0 to 255 minus the mean image", RAW),
    "channel-mean": ("0 to 255 minus each channel's mean", RAW),
    "standardised": ("each feature of mean 0 and deviation 1", UNIT),
    "whitened": ("144 principal components of variance 1", log_grid(0.1, 10.0, 5)),
}


def prepared(variant, data):
    """The data set as the arm has it, and how many means were subtracted."""
    train, test = data.stored_train.astype("float64"), data.stored_test.astype("float64")
    mean, deviation = train.mean(axis=0), 1.0
    if variant == "as-stored":
        mean = mean.ravel()[:1] * 0
    if variant == "channel-mean":
        mean = train.mean(axis=(0, 1, 2))
    if variant == "standardised":
        deviation = train.std(axis=0) + 1e-6
    made = [((part - mean) / deviation).reshape(len(part), -1) for part in (train, test)]
    if variant == "whitened":
        components = PrincipalComponents.of(made[0], COMPONENTS)
        made = [components.whitened(part) for part in made]
    train, test = (part.astype("float32") for part in made)
    return replace(data, stored_train=train, stored_test=test), mean.size


def measure(arm, replicate):
    data, means = prepared(arm.variant, replicate.dataset())
    features, epochs = data.image_shape[0], replicate.scale.epochs

    def build(seeds):
        if arm.he:
            return activated(seeds, (features,), data.classes, "relu", dense=(50,))
        return two_layer(seeds, features, data.classes)

    def judge(history):
        return {"accuracy": 100 - judged_errors(history, epochs)[-1]}

    network = Restartable(build, data, replicate, draws=1 + replicate.scale.draws)
    trials, best = tuned(network, arm.rates, epochs, judge, penalty=0.0)
    return Measurement(best | {"means": means}, trials.curves("rate", "criterion"), trials=trials)


def gain(arm, other):
    return metric(arm, "accuracy") - metric(other, "accuracy")


IN_PRACTICE = "In practice for images: center only"
CLAIMS = (
    rule("standardising-helps")
    .says("Standardised images are learned better than images as they are stored.")
    .must(gain("standardised", "as-stored") > 0),
    rule("centring-is-enough", IN_PRACTICE)
    .says("Images minus the mean image do as well as standardised ones: within a point.")
    .must(gain("standardised", "mean-image") < 1),
    rule("either-mean-does", IN_PRACTICE)
    .says("The mean image and the mean of each channel do equally well, to a point.")
    .must(gain("mean-image", "channel-mean"), between(-1, 1)),
    rule("whitening-gains-nothing", IN_PRACTICE)
    .says("Whitened images gain less than a point over images minus the mean image.")
    .must(gain("whitened", "mean-image") < 1),
    detail("centring-helps", IN_PRACTICE)
    .says("Images minus the mean image are learned better than images as they are stored.")
    .must(gain("mean-image", "as-stored") > 0),
    detail("channel-mean-helps", IN_PRACTICE)
    .says("Images minus the mean of each channel are learned better than as they are stored.")
    .must(gain("channel-mean", "as-stored") > 0),
    detail("dividing-helps", expectation="MIXED")
    .says("Dividing by the deviation, after subtracting the mean image, raises the accuracy.")
    .must(gain("standardised", "mean-image") > 0),
    detail("standardised-takes-another-rate", kind="discrete")
    .says("Standardised images take a rate more than ten times that of centred ones.")
    .must(metric("standardised", "rate") / metric("mean-image", "rate") > 10),
    detail("centring-is-enough-from-he-weights", IN_PRACTICE)
    .says("From He's weights, too, the mean image does as well as standardising: within a point.")
    .must(gain("standardised-he", "mean-image-he") < 1),
    printed_value("mean-image-has-3072", IN_PRACTICE, kind="exact", printed=3072)
    .says("The mean image of CIFAR-10 has 32 x 32 x 3 numbers.")
    .must(metric("mean-image", "means"), equal(3072)),
    printed_value("channel-mean-has-3", IN_PRACTICE, kind="exact", printed=3)
    .says("The means of the channels are 3 numbers.")
    .must(metric("channel-mean", "means"), equal(3)),
)

RECIPE = Recipe(
    slug="preprocess-variants",
    version=1,
    question="Do images need more than centring?",
    sources=(
        Source("cs231n-slides", "Step 1: Preprocess the data"),
        Source("cs231n-slides", IN_PRACTICE),
    ),
    data="cifar10",
    arms=(
        *(
            Arm(variant, words, variant=variant, rates=rates, he=False)
            for variant, (words, rates) in VARIANTS.items()
        ),
        *(
            Arm(f"{name}-he", "the same from He's weights", variant=name, rates=rates, he=True)
            for name, rates in (("mean-image", RAW), ("standardised", UNIT))
        ),
    ),
    scales=(
        Scale("quick", n_train=3_000, n_test=2_000, epochs=8, draws=2),
        Scale("full", n_train=20_000, epochs=20, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Validation error by rate", "criterion", x="rate", x_log=True),
    metrics=(
        Metric("accuracy", "test accuracy at the best rate", "percent"),
        Metric("criterion", "validation error", "percent", "rate"),
        Metric("means", "numbers that are subtracted"),
    ),
)
