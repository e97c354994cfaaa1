"""A pretrained network helps with new data, fixed or trained on.

Source: "Training" (notes on hyper-parameters), section "Fine-tuning (transfer learning)"
Data:   cifar10, standardised: bird, cat and deer to learn from, dog, frog and horse as new data
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run transfer-two-ways --scale full

The notes have a network of ImageNet; here a small convnet learns three classes and is used for
three others. Of these a twentieth of the images is there. Logistic regression has the best of
three penalties, training its best rate; they are chosen on half of the test images and judged on
the other half.
"""

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail, metric
from keras_reprise import rule
from keras_reprise.transfer import NEW, SIMILAR, convnet, few_of, linear_errors, of_classes
from keras_reprise.transfer import pretrained, searched_errors

RATES = (0.003, 0.01)


def measure(arm, replicate):
    data, scale, seeds = replicate.dataset().standardised(), replicate.scale, replicate.seeds
    new = few_of(data, NEW, scale.share, seeds.generator("data"))
    source = None
    if arm.pretrained:
        source = pretrained(replicate, of_classes(data, SIMILAR), scale.source_epochs)
    if arm.hidden is not None:
        network = source or convnet(seeds, data.image_shape, len(NEW))
        return Measurement(linear_errors(network, new, arm.hidden))
    settings = {"rates": RATES, "epochs": scale.epochs, "passes": scale.passes}
    found = searched_errors(replicate, new, source, **settings)
    return Measurement(found, {"errors": found.pop("errors")})


def error(arm):
    return metric(arm, "error")


CLAIMS = (
    rule("features-serve-new-data")
    .says("A linear classifier has a lower error on pretrained features than on the pixels.")
    .must(error("features") < error("pixels")),
    rule("fine-tuning-serves-new-data")
    .says("Trained on, the pretrained network has a lower error than one from random weights.")
    .must(error("fine-tuned") < error("scratch")),
    detail("features-beat-random-ones")
    .says("Pretrained features are better than those of the same network with random weights.")
    .must(error("features") < error("random")),
    detail("features-beat-scratch")
    .says("A linear classifier on them beats training the whole network from random weights.")
    .must(error("features") < error("scratch")),
)

RECIPE = Recipe(
    slug="transfer-two-ways",
    version=2,
    question="Does a pretrained network help with new data, fixed or trained on?",
    sources=Source("hyperparameters-notes", "Fine-tuning (transfer learning)"),
    data="cifar10",
    arms=(
        Arm("pixels", "linear on the pixels", pretrained=False, hidden=0),
        Arm("random", "linear on features of random weights", pretrained=False, hidden=4),
        Arm("features", "linear on pretrained features", pretrained=True, hidden=4),
        Arm("fine-tuned", "pretrained and trained on", pretrained=True, hidden=None),
        Arm("scratch", "trained from random weights", pretrained=False, hidden=None),
    ),
    scales=(
        Scale(
            "quick", n_train=15_000, n_test=4_000, share=0.05, source_epochs=6, epochs=6, passes=5
        ),
        Scale("full", share=0.05, source_epochs=20, epochs=20, passes=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training on the new classes", "errors"),
    metrics=(
        Metric("error", "test error", "percent"),
        Metric("errors", "test error", "percent", "epoch"),
        Metric("train_error", "training error", "percent"),
        Metric("rate", "best rate"),
    ),
)
