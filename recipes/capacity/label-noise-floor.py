"""No network errs less than the share of wrong labels; more images bring it nearer to that.

Source: "Lecture 7: Practical considerations for training deep models", slide "Performance Metrics"
Data:   the 1,797 digits of scikit-learn (8 x 8 pixels), some labels wrong
Cost:   quick 15 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run label-noise-floor --scale full

The slide says it of most applications. Here it is known how low the error can be: a tenth or three
tenths of the labels, in training and test alike, are replaced by one of the nine others, and who
knows every digit errs on just these. Networks with one hidden layer of 2 to 512 units are trained
with Adam on 100 to 1,000 images and stopped where half of the test images say that the error is
lowest; the error is that of the other half. That more images bring it closer to the floor, and not
below, says that the labels are what remains. In the third arm the labels are as they come.
"""

import keras

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, column, curve, detail, mean, metric, minimum, rule, train
from keras_reprise.digits import shuffled_digits
from keras_reprise.models import dense_classifier

WIDTHS, SIZES = (2, 8, 32, 128, 512), (100, 300, 1_000)


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    x, digits = shuffled_digits(replicate.seeds)
    wrong = draw.random(len(digits)) < arm.share
    labels = ((digits + wrong * draw.integers(1, 10, len(digits))) % 10).astype("int32")
    first = SIZES[-1]
    half = (len(x) - first) // 2
    floor = 100 * wrong[first + half :].mean()  # of the images that are judged by

    def trained(width, size):
        history = train(
            dense_classifier(replicate.seeds, 64, [width], 10),
            Dataset.of("digits", x[:size], labels[:size], x[first:], labels[first:]),
            replicate,
            optimizer=keras.optimizers.Adam(0.003),
            batch_size=50,
            order=Order("with-replacement", examples=50 * scale.updates // scale.looks),
            epochs=scale.looks,
        )
        rows = 100 * history.test_wrong[1:]
        stop = rows[:, :half].mean(axis=1).argmin()
        error = rows[stop, half:].mean()
        return {"error": error, "above": error - floor}

    settings = [{"width": width, "size": size} for width in WIDTHS for size in SIZES]
    trials = replicate.sweep(settings, trained)
    errors = trials.column("error").reshape(len(WIDTHS), -1)
    curves = {"width": WIDTHS, "floor": [floor] * len(WIDTHS)}
    curves |= {f"error_{size}": row for size, row in zip(SIZES, errors.T, strict=True)}
    metrics = {"lowest": errors.min(), "floor": floor, "best_above": errors.min() - floor}
    return Measurement(metrics, curves, trials=trials)


def excess(arm, size):
    """By how much the error of so many training images exceeds the floor, mean over the widths."""
    return mean(curve(arm, f"error_{size}") - curve(arm, "floor"))


def above(arm):
    return column(arm, "above")


SHRINKS = "Error above the floor with 1,000 images minus that with 300, means over the widths"
CLAIMS = (
    rule("never-below-a-tenth")
    .says("With a tenth of the labels wrong no network errs less than on these alone.")
    .must(minimum(above("tenth")) > 0),
    rule("never-below-three-tenths", kind="discrete")
    .says("Nor with three tenths of them wrong.")
    .must(minimum(above("three-tenths")) > 0),
    rule("excess-shrinks-with-images-at-a-tenth")
    .says("From 300 to 1,000 images the excess over a tenth of wrong labels shrinks.")
    .must(excess("tenth", 1_000) < excess("tenth", 300), measures=SHRINKS),
    rule("excess-shrinks-with-images-at-three-tenths")
    .says("So does that over three tenths.")
    .must(excess("three-tenths", 1_000) < excess("three-tenths", 300), measures=SHRINKS),
    detail("not-zero-as-they-come")
    .says("With the labels as they come none is free of errors, either.")
    .must(metric("as-they-come", "lowest") > 0),
    *(
        detail(f"not-zero-at-{share}")
        .says(f"Nor is any with {share.replace('-', ' ')} of the labels wrong.")
        .must(metric(arm, "lowest") > 0)
        for arm, share in (("tenth", "a-tenth"), ("three-tenths", "three-tenths"))
    ),
    detail("comes-close-to-a-tenth")
    .says("With a tenth wrong the best network errs on less than five more images of a hundred.")
    .must(metric("tenth", "best_above") < 5),
    detail("comes-close-to-three-tenths")
    .says("So it does with three tenths wrong.")
    .must(metric("three-tenths", "best_above") < 5),
)

RECIPE = Recipe(
    slug="label-noise-floor",
    version=1,
    question="Can an error of zero be reached where some labels are wrong?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    arms=(
        Arm("as-they-come", "no labels replaced", share=0.0),
        Arm("tenth", "a tenth of the labels wrong", share=0.1),
        Arm("three-tenths", "three tenths wrong", share=0.3),
    ),
    scales=(Scale("quick", updates=600, looks=20), Scale("full", updates=5_000, looks=100)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Test error by width and training images",
        Panel((*(f"error_{size}" for size in SIZES), "floor"), "test error (percent)"),
        x="width",
        x_log=True,
        columns="arms",
    ),
    metrics=(
        Metric("width", "hidden units"),
        Metric("size", "training images"),
        Metric("error", "test error", "percent"),
        Metric("above", "test error minus the share of wrong labels", "points"),
        Metric("floor", "share of test labels that are wrong", "percent"),
        Metric("lowest", "lowest test error of fifteen networks", "percent"),
        Metric("best_above", "lowest test error minus the share of wrong labels", "points"),
        *(Metric(f"error_{size}", f"{size} images", "percent", "width") for size in SIZES),
    ),
)
