"""A whole data set does not go through a network at once.

Source: "Deep Network Components & Training", slide "EPOCH, BATCH, ITERATION"
Data:   none (random pixels: only the memory counts)
Cost:   quick 7 s per replicate (Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run batch-size-memory --scale full

The slide says that it cannot, and therefore divides it. Measured is by how much one update of the
small convnet of cifar10-lr-drop raises the largest resident set of a process (on a GPU: the peak of
the tensors) above that of an update of one image. What all 50,000 training images would take (the
slides' logs have 49,000 of them) is what each of them adds from the second largest batch to the
largest; it is compared with the memory of the machine, or of the GPU.
"""

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import curve, detail, last, log, metric, rule, slope, window
from keras_reprise.models import small_convnet
from keras_reprise.peak_memory import memory_bytes, update_peaks

IMAGES, GIB = 50_000, 2**30


def measure(arm, replicate):
    batches = replicate.scale.batches
    model = small_convnet(replicate.seeds, (32, 32, 3), 10)
    gib = [peak / GIB for peak in update_peaks(model, batches)]
    whole = IMAGES * (gib[-1] - gib[-2]) / (batches[-1] - batches[-2])
    metrics = {"whole_gib": whole, "machine_gib": memory_bytes() / GIB}
    share = [whole * batch / IMAGES for batch in batches]
    return Measurement(metrics, {"batch": batches, "measured": gib, "in_proportion": share})


def logarithms(name):
    return window(log(curve("convnet", name)), width=3)


CLAIMS = (
    rule("whole-does-not-fit", kind="positive", expectation="HW")
    .says("All 50,000 images in one batch would need more memory than the machine has.")
    .must(metric("convnet", "whole_gib") / metric("convnet", "machine_gib") > 1),
    detail("proportional-to-the-batch")
    .says("Memory grows in proportion to the batch, as the three largest show.")
    .must(
        slope(logarithms("measured"), logarithms("batch")),
        between(0.9, 1.1),
        measures="Slope of log memory over log batch size",
    ),
    detail("a-large-batch-fits", kind="positive", expectation="HW")
    .says("The largest batch that is tried needs less than a tenth of the machine's memory.")
    .must(last("convnet", "measured") / metric("convnet", "machine_gib") < 0.1),
)
BATCHES = (100, 200, 400, 800, 1600, 3200)

RECIPE = Recipe(
    slug="batch-size-memory",
    version=1,
    question="How much memory does an update need, and does a whole data set fit?",
    sources=Source("cs231n-slides", "EPOCH, BATCH, ITERATION"),
    arms=(Arm("convnet", "one update of the small convnet"),),
    scales=(Scale("quick", batches=BATCHES), Scale("full", batches=(50, *BATCHES, 6400))),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Memory of an update",
        Panel(("measured", "in_proportion"), "memory of an update (GiB)", log=True),
        x="batch",
        x_log=True,
        columns="arms",
    ),
    metrics=(
        Metric("batch", "batch size", "images", "batch size"),
        Metric("measured", "memory of an update", "GiB", "batch size"),
        Metric("in_proportion", "memory in proportion to that of all images", "GiB", "batch size"),
        Metric("whole_gib", "memory of an update of all images", "GiB"),
        Metric("machine_gib", "memory of the machine or GPU", "GiB"),
    ),
    timing=True,  # of this machine, and not to be disturbed
)
