"""What the engine supports, case by case: a model, a loss, an optimizer and data, trained as `fit` does or refused in a sentence.

The cases are data: this module imports neither Keras nor the engine. `parity.py` trains them, `test_parity.py` a tenth of
them, and the table of docs/engine.md is made from them (`python tests/support/parity.py --write-table`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import parity_data as made

GROUPS = ("losses", "reductions", "labels", "layers", "batch", "models", "optimizers", "types", "settings")
HALF = 2e-2  # float16 and bfloat16 round by up to 4e-3 an operation, in an order that compilers choose


@dataclass(frozen=True)
class Case:
    """One model that is trained as `fit` does, or refused.

    `model`, `loss` and `optimizer` are functions of the module `parity_models`. `refused` is a pattern of the sentence with
    which `train` refuses, `why` the reason in short; `refused_on` has a pattern for single backends. `options` go to `train`, `policy` is the dtype policy of
    the process. `tolerance` bounds the relative difference of losses and of weights.
    """

    name: str
    shows: str
    group: str
    data: Callable[[], made.Arrays] = made.points
    model: Callable[[Any], Any] = lambda m: m.mlp()
    loss: Callable[[Any], Any] = lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer: Callable[[Any], Any] = lambda m: m.optimizers.SGD(0.1)
    options: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None
    why: str = ""
    refused_on: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-4
    policy: str | None = None

    def refusal(self, backend: str) -> str | None:
        """The pattern of the sentence with which `backend` refuses, None where it trains."""
        return self.refused or self.refused_on.get(backend)


CASES: list[Case] = []


def case(name: str, shows: str, group: str, **parts: Any) -> None:
    CASES.append(Case(name, shows, group, **parts))


def regression(outputs: int | None = 1) -> dict[str, Any]:
    return {
        "data": lambda: made.line(outputs),
        "model": lambda m: m.mlp(outputs or 1, features=6),
        "optimizer": lambda m: m.optimizers.SGD(0.02),
    }


def yes_or_no(activation: str | None = "sigmoid", outputs: int | None = None) -> dict[str, Any]:
    return {
        "data": lambda: made.halves(outputs),
        "model": lambda m: m.mlp(outputs or 1, activation, features=6),
        "optimizer": lambda m: m.optimizers.SGD(0.2),
    }


def distributions() -> dict[str, Any]:
    return {"data": lambda: made.one_hot(made.points()), "model": lambda m: m.mlp(4, "softmax")}


# fmt: off
# What follows is a table: its columns are told by their names, and a case stays in one or a few lines.

# Losses

case(
    "softmax-outputs",
    "SparseCategoricalCrossentropy of softmax outputs",
    "losses",
    model=lambda m: m.mlp(4, "softmax"),
    loss=lambda m: m.losses.SparseCategoricalCrossentropy(),
)
case("logits", "SparseCategoricalCrossentropy of logits", "losses")
case(
    "one-hot-smoothed",
    "CategoricalCrossentropy with label smoothing",
    "losses",
    data=lambda: made.one_hot(made.points()),
    loss=lambda m: m.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
)
case(
    "one-unit",
    "BinaryCrossentropy of one sigmoid unit",
    "losses",
    **yes_or_no(),
    loss=lambda m: m.losses.BinaryCrossentropy(),
)
case(
    "one-unit-logits",
    "BinaryCrossentropy of one logit, label smoothing",
    "losses",
    **yes_or_no(None),
    loss=lambda m: m.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
)
case(
    "several-units",
    "BinaryCrossentropy of several units",
    "losses",
    **yes_or_no("sigmoid", 3),
    loss=lambda m: m.losses.BinaryCrossentropy(),
)
case(
    "binary-focal",
    "BinaryFocalCrossentropy",
    "losses",
    **yes_or_no(),
    loss=lambda m: m.losses.BinaryFocalCrossentropy(apply_class_balancing=True),
)
case(
    "categorical-focal",
    "CategoricalFocalCrossentropy",
    "losses",
    **distributions(),
    loss=lambda m: m.losses.CategoricalFocalCrossentropy(),
)
case(
    "generalised-cross-entropy",
    "CategoricalGeneralizedCrossEntropy",
    "losses",
    model=lambda m: m.mlp(4, "softmax"),
    loss=lambda m: m.losses.CategoricalGeneralizedCrossEntropy(),
)
for _name, _shows, _loss in (
    ("mse", "MeanSquaredError", lambda m: m.losses.MeanSquaredError()),
    ("mae", "MeanAbsoluteError", lambda m: m.losses.MeanAbsoluteError()),
    ("mape", "MeanAbsolutePercentageError", lambda m: m.losses.MeanAbsolutePercentageError()),
    ("huber", "Huber", lambda m: m.losses.Huber(0.5)),
    ("log-cosh", "LogCosh", lambda m: m.losses.LogCosh()),
    ("cosine", "CosineSimilarity", lambda m: m.losses.CosineSimilarity()),
):
    case(_name, _shows, "losses", **regression(3), loss=_loss)
case(
    "msle",
    "MeanSquaredLogarithmicError",
    "losses",
    data=made.counts,
    model=lambda m: m.mlp(1, "softplus", features=6),
    loss=lambda m: m.losses.MeanSquaredLogarithmicError(),
)
case(
    "poisson",
    "Poisson, counts (n,) int32",
    "losses",
    data=lambda: made.counts(np.int32).with_labels(np.ravel),
    model=lambda m: m.mlp(1, "exponential", features=6),
    loss=lambda m: m.losses.Poisson(),
    optimizer=lambda m: m.optimizers.SGD(0.02),
)
case(
    "kl",
    "KLDivergence",
    "losses",
    data=made.mixtures,
    model=lambda m: m.mlp(4, "softmax"),
    loss=lambda m: m.losses.KLDivergence(),
)
case(
    "hinge",
    "Hinge, labels -1 and 1 as float32",
    "losses",
    data=made.signs,
    model=lambda m: m.mlp(1, features=6),
    loss=lambda m: m.losses.Hinge(),
)
case(
    "squared-hinge",
    "SquaredHinge, labels -1 and 1 as int32",
    "losses",
    data=lambda: made.signs(np.int32),
    model=lambda m: m.mlp(1, "tanh", features=6),
    loss=lambda m: m.losses.SquaredHinge(),
)
case(
    "categorical-hinge",
    "CategoricalHinge",
    "losses",
    data=lambda: made.one_hot(made.points()),
    loss=lambda m: m.losses.CategoricalHinge(),
)
case(
    "dice",
    "Dice, one number for the batch",
    "losses",
    data=lambda: made.segmented("mask"),
    model=lambda m: m.autoencoder("sigmoid"),
    loss=lambda m: m.losses.Dice(),
    optimizer=lambda m: m.optimizers.Adam(0.01),
)
case(
    "dice-by-image",
    "Dice, one number for each image",
    "losses",
    data=lambda: made.segmented("mask"),
    model=lambda m: m.autoencoder("sigmoid"),
    loss=lambda m: m.losses.Dice(axis=(1, 2, 3)),
    optimizer=lambda m: m.optimizers.Adam(0.01),
)
case(
    "tversky",
    "Tversky",
    "losses",
    data=lambda: made.segmented("mask"),
    model=lambda m: m.autoencoder("sigmoid"),
    loss=lambda m: m.losses.Tversky(alpha=0.3, beta=0.7),
    optimizer=lambda m: m.optimizers.Adam(0.01),
)
case(
    "circle",
    "Circle, which compares the examples of a batch",
    "losses",
    model=lambda m: m.sequential((12,), m.layers.Dense(8), m.layers.UnitNormalization()),
    loss=lambda m: m.losses.Circle(gamma=4.0),
)
case(
    "ctc",
    "CTC, labels (n, t)",
    "losses",
    data=lambda: made.sentences(target="spelled"),
    model=lambda m: m.speller(),
    loss=lambda m: m.losses.CTC(),
    optimizer=lambda m: m.optimizers.Adam(0.02),
)
for _name, _shows, _class in (
    ("own-per-example", "a loss of one's own, a number per example", "PerExample"),
    ("own-per-number", "a loss of one's own, a number per output", "PerNumber"),
    ("own-scalar", "a loss of one's own, one number for the batch", "Scalar"),
    ("own-root", "a loss of one's own that is no mean over examples", "RootScalar"),
    ("own-against-batch", "a loss of one's own that compares an example with the batch", "AgainstTheBatch"),
    ("own-call", "a loss of one's own that overrides `__call__`", "OwnCall"),
):
    case(_name, _shows, "losses", **regression(3), loss=lambda m, _class=_class: getattr(m, _class)())
case("own-penalised", "a loss of one's own beside a penalty of weights", "losses", **regression(3) | {"model": lambda m: m.mlp(3, features=6, kernel_regularizer=m.keras.regularizers.L2(0.1))}, loss=lambda m: m.PerExample())
case("contrastive", "a loss of one's own over pairs of the batch", "losses", loss=lambda m: m.Contrastive())
case("own-scalar-int-labels", "a scalar loss of one's own of int32 labels", "losses", data=lambda: made.line(1).with_labels(lambda y: np.round(y).astype(np.int32)), model=lambda m: m.mlp(1, features=6), loss=lambda m: m.Scalar(), optimizer=lambda m: m.optimizers.SGD(0.02))
case(
    "loss-function",
    "a plain function as loss",
    "losses",
    **regression(3),
    loss=lambda m: m.away,
)
case(
    "loss-name",
    "a loss by its name",
    "losses",
    **regression(3),
    loss=lambda m: "mse",
)

case("own-broadcast", "a loss of one's own whose (n,) targets and (n, 1) outputs spread to (n, n)", "losses", **regression(None), loss=lambda m: m.PerExample())
case("loss-list", "a list of losses", "losses", loss=lambda m: [m.losses.SparseCategoricalCrossentropy(from_logits=True)], refused="losses were given", why="one output, one loss")
case("loss-unknown", "a loss by a name that Keras has not", "losses", loss=lambda m: "mean_of_squares", refused="is no Keras loss", why="give a Loss")

# Reductions

case("sum", "the sum of the examples' losses", "reductions", loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"), optimizer=lambda m: m.optimizers.SGD(0.003))
case(
    "mean", "reduction mean", "reductions", **regression(3), loss=lambda m: m.losses.MeanSquaredError(reduction="mean")
)
case("mean-with-weights", "reduction mean_with_sample_weight", "reductions", loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"))
case("own-sum", "the sum in a loss of one's own", "reductions", **regression(3) | {"optimizer": lambda m: m.optimizers.SGD(0.0003)}, loss=lambda m: m.PerExample(reduction="sum"))
case("sum-of-pixels", "the sum over images' pixels", "reductions", data=made.restored, model=lambda m: m.autoencoder(), loss=lambda m: m.losses.MeanAbsoluteError(reduction="sum"), optimizer=lambda m: m.optimizers.Adam(0.01))
case("sum-masked", "the sum of a masked sequence's losses", "reductions", data=lambda: made.sentences(target="word"), model=lambda m: m.tagger(), loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"), optimizer=lambda m: m.optimizers.SGD(0.001))
case("no-reduction", "no reduction (None)", "reductions", loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None), refused="reduction", why="no number to be lowered")
case("no-reduction-by-name", 'no reduction ("none")', "reductions", **regression(3), loss=lambda m: m.losses.MeanSquaredError(reduction="none"), refused="reduction", why="no number to be lowered")

# Labels

for _name, _shows, _dtype in (
    ("int64", "classes (n,) int64", np.int64),
    ("uint8", "classes (n,) uint8", np.uint8),
    ("float-classes", "classes (n,) float32", np.float32),
):
    case(_name, _shows, "labels", data=lambda _dtype=_dtype: made.typed(made.points(), _dtype))
case("label-column", "classes (n, 1)", "labels", data=lambda: made.column(made.points()))
case("one-hot", "one-hot float32", "labels", **distributions(), loss=lambda m: m.losses.CategoricalCrossentropy())
case("one-hot-int", "one-hot int32", "labels", **distributions() | {"data": lambda: made.one_hot(made.points(), np.int32)}, loss=lambda m: m.losses.CategoricalCrossentropy())
case("bool", "bool (n,) for one unit", "labels", **yes_or_no() | {"data": lambda: made.typed(made.halves(), bool)}, loss=lambda m: m.losses.BinaryCrossentropy())
case("bool-column", "bool (n, 1) for one unit", "labels", **yes_or_no() | {"data": lambda: made.typed(made.halves(1), bool)}, loss=lambda m: m.losses.BinaryCrossentropy())
case(
    "flat-targets",
    "float32 (n,) for outputs (n, 1)",
    "labels",
    **regression(None),
    loss=lambda m: m.losses.MeanSquaredError(),
)
case("flat-outputs", "float32 (n,) for outputs (n,)", "labels", **regression(None) | {"model": lambda m: m.sequential((6,), m.layers.Dense(1), m.layers.Reshape(()))}, loss=lambda m: m.losses.MeanSquaredError())
case("column-targets-flat-outputs", "float32 (n, 1) for outputs (n,)", "labels", **regression(1) | {"model": lambda m: m.sequential((6,), m.layers.Dense(1), m.layers.Reshape(()))}, loss=lambda m: m.losses.MeanAbsoluteError())
case("float64-targets", "float64 (n, 3)", "labels", **regression(3) | {"data": lambda: made.typed(made.line(3), np.float64)}, loss=lambda m: m.losses.MeanSquaredError())
case("int-targets", "integers as numbers", "labels", **regression(1) | {"data": lambda: made.line(1).with_labels(lambda y: np.round(y).astype(np.int64))}, loss=lambda m: m.losses.MeanSquaredError())
case("image-targets", "images", "labels", data=made.restored, model=lambda m: m.autoencoder(), loss=lambda m: m.losses.MeanSquaredError(), optimizer=lambda m: m.optimizers.SGD(0.2))
case("pixel-classes", "a class for every pixel", "labels", data=made.segmented, model=lambda m: m.autoencoder(channels=3), optimizer=lambda m: m.optimizers.SGD(0.5))
case("pixel-classes-ignored", "pixels without a class (ignore_class=255, uint8)", "labels", data=lambda: made.partly_unlabelled(made.segmented(), 255, np.uint8), model=lambda m: m.autoencoder(channels=3), loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255), optimizer=lambda m: m.optimizers.SGD(0.5))
case("ignored", "examples without a class (ignore_class=-1)", "labels", data=lambda: made.partly_unlabelled(made.points(), -1), loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1))
case("word-classes", "a class for every word (n, t)", "labels", data=lambda: made.sentences(target="word"), model=lambda m: m.tagger(mask_zero=False), optimizer=lambda m: m.optimizers.Adam(0.01))
case("sequence-targets", "sequences (n, t, 1)", "labels", data=lambda: made.series(target="running"), model=lambda m: m.sequential((6, 3), m.layers.SimpleRNN(6, return_sequences=True), m.layers.Dense(1)), loss=lambda m: m.losses.MeanSquaredError())
case(
    "text",
    "text",
    "labels",
    data=lambda: made.typed(made.points(), str),
    refused="labels .*(text|str|type)",
    why="number the classes",
)
case(
    "objects",
    "Python objects",
    "labels",
    data=lambda: made.typed(made.points(), object),
    refused="labels .*(object|type)",
    why="use numbers",
)
case("class-too-large", "a class that the model has no output for", "labels", model=lambda m: m.mlp(3), refused="labels run from 0 to 3, the model has 3 outputs", why="it would be no class")

# Layers

_IMAGES: dict[str, Any] = {"data": made.images, "optimizer": lambda m: m.optimizers.SGD(0.5)}
_SERIES: dict[str, Any] = {"data": made.series, "loss": lambda m: m.losses.MeanSquaredError(), "optimizer": lambda m: m.optimizers.SGD(0.05)}
_WORDS: dict[str, Any] = {"data": made.sentences, "optimizer": lambda m: m.optimizers.Adam(0.02)}

case("conv", "Conv2D, pooling, Flatten", "layers", **_IMAGES | {"model": lambda m: m.sequential((8, 8, 1), m.layers.Conv2D(4, 3, activation="relu"), m.layers.MaxPooling2D(2), m.layers.Flatten(), m.layers.Dense(4))})
case("conv-transposed", "Conv2DTranspose, strided", "layers", **_IMAGES, model=lambda m: m.convnet(m.layers.Conv2D(4, 3, strides=2, padding="same"), m.layers.Conv2DTranspose(3, 3, strides=2, padding="same")))
case("separable", "SeparableConv2D and DepthwiseConv2D", "layers", **_IMAGES, model=lambda m: m.convnet(m.layers.SeparableConv2D(6, 3), m.layers.DepthwiseConv2D(3, padding="same")))
case("conv1d", "Conv1D, causal and dilated, pooled", "layers", **_SERIES, model=lambda m: m.sequential((6, 3), m.layers.Conv1D(4, 2, padding="causal", dilation_rate=2, activation="relu"), m.layers.AveragePooling1D(2), m.layers.Flatten(), m.layers.Dense(1)))
case("batch-norm", "BatchNormalization", "layers", **_IMAGES, model=lambda m: m.convnet(m.layers.BatchNormalization(), m.layers.ReLU()))
case("batch-norm-adam", "BatchNormalization and Adam", "layers", **_IMAGES | {"optimizer": lambda m: m.optimizers.Adam(0.01)}, model=lambda m: m.convnet(m.layers.BatchNormalization(momentum=0.9), m.layers.ReLU()))
case("batch-norm-frozen", "BatchNormalization that is frozen", "layers", **_IMAGES, model=lambda m: m.convnet(m.frozen(m.layers.BatchNormalization())))
case(
    "batch-norm-nested",
    "BatchNormalization in a nested model",
    "layers",
    model=lambda m: m.nested(m.layers.BatchNormalization()),
)
case("batch-norm-nested-frozen", "BatchNormalization in a nested model that is frozen", "layers", model=lambda m: m.nested(m.layers.BatchNormalization(), frozen=True))
case("layer-norm", "LayerNormalization and RMSNormalization", "layers", model=lambda m: m.around(m.layers.LayerNormalization(), m.layers.ReLU(), m.layers.RMSNormalization()))
case("group-norm", "GroupNormalization", "layers", **_IMAGES, model=lambda m: m.convnet(m.layers.GroupNormalization(2)))
case("unit-norm", "UnitNormalization", "layers", model=lambda m: m.around(m.layers.UnitNormalization()))
case(
    "spectral-norm",
    "SpectralNormalization",
    "layers",
    model=lambda m: m.around(m.layers.SpectralNormalization(m.layers.Dense(8))),
)
case("normalization", "Normalization that was adapted", "layers", model=lambda m: m.standardised(made.points().x))
case("dropout", "Dropout", "layers", model=lambda m: m.around(m.layers.ReLU(), m.layers.Dropout(0.3)))
case("dropout-nested", "Dropout in a nested model", "layers", model=lambda m: m.nested(m.layers.Dropout(0.3)))
case(
    "spatial-dropout",
    "SpatialDropout2D",
    "layers",
    **_IMAGES,
    model=lambda m: m.convnet(m.layers.SpatialDropout2D(0.3)),
)
case("noise", "GaussianNoise and AlphaDropout", "layers", model=lambda m: m.around(m.layers.GaussianNoise(0.3), m.layers.AlphaDropout(0.1)))
case("flip", "RandomFlip", "layers", **_IMAGES, model=lambda m: m.sequential((8, 8, 1), m.layers.RandomFlip(), m.layers.Conv2D(4, 3), m.layers.Flatten(), m.layers.Dense(4)))
case("embedding", "Embedding, pooled", "layers", **_WORDS, model=lambda m: m.reader(m.layers.GlobalAveragePooling1D(), mask_zero=False))
case("embedding-masked", "Embedding that masks, LSTM", "layers", **_WORDS, model=lambda m: m.reader(m.layers.LSTM(6)))
case("masked-loss", "a mask that reaches the loss", "layers", **_WORDS | {"data": lambda: made.sentences(target="word")}, model=lambda m: m.tagger())
case("masking", "Masking, GRU", "layers", **_SERIES | {"data": made.padded_series}, model=lambda m: m.sequential((6, 3), m.layers.Masking(), m.layers.GRU(6), m.layers.Dense(1)))
case("lstm", "LSTM with dropout", "layers", **_SERIES, model=lambda m: m.recurrent(m.layers.LSTM(6, dropout=0.2, recurrent_dropout=0.1)))
case("bidirectional", "Bidirectional SimpleRNN", "layers", **_SERIES, model=lambda m: m.recurrent(m.layers.Bidirectional(m.layers.SimpleRNN(5))))
case("time-distributed", "TimeDistributed", "layers", **_SERIES, model=lambda m: m.sequential((6, 3), m.layers.TimeDistributed(m.layers.Dense(4, "relu")), m.layers.Flatten(), m.layers.Dense(1)))
case("attention", "MultiHeadAttention", "layers", **_SERIES, model=lambda m: m.attention())
case("activations", "PReLU, LeakyReLU, ELU, Softmax", "layers", model=lambda m: m.around(m.layers.PReLU(), m.layers.LeakyReLU(), m.layers.ELU(), m.layers.Softmax()))
case("lambda", "Lambda", "layers", model=lambda m: m.around(m.layers.Lambda(lambda x: m.ops.tanh(2 * x))))
case("own-layer", "a layer of one's own", "layers", model=lambda m: m.around(m.Scale(), m.layers.ReLU()))
case("own-state", "a layer of one's own with state that is not trained", "layers", model=lambda m: m.around(m.Counter(), m.layers.ReLU()))
case("own-random", "a layer of one's own with a seed generator", "layers", model=lambda m: m.around(m.Shaken()))
case("add-loss", "a layer that adds a loss", "layers", model=lambda m: m.around(m.Spread(), m.layers.ReLU()))
case("add-loss-by-example", "a layer that adds a number per example, whose sum Keras takes", "layers", model=lambda m: m.around(m.SpreadByExample(), m.layers.ReLU()))
case(
    "activity",
    "activity_regularizer",
    "layers",
    model=lambda m: m.mlp(activity_regularizer=m.keras.regularizers.L2(0.1)),
)
case(
    "activity-layer",
    "ActivityRegularization",
    "layers",
    model=lambda m: m.around(m.layers.ActivityRegularization(l1=0.05)),
)
case("weight-penalties", "kernel_regularizer, bias_regularizer", "layers", model=lambda m: m.mlp(kernel_regularizer=m.keras.regularizers.L1L2(0.01, 0.01), bias_regularizer=m.keras.regularizers.L2(0.1)))
case("penalty-frozen", "a penalty of weights that are frozen", "layers", model=lambda m: m.sequential((12,), m.frozen(m.layers.Dense(8, kernel_regularizer="l2")), m.layers.Dense(4, kernel_regularizer="l2")))
case("orthogonal-penalty", "OrthogonalRegularizer", "layers", model=lambda m: m.mlp(kernel_regularizer=m.keras.regularizers.OrthogonalRegularizer(0.1)))
case("constraints", "constraints of weights", "layers", model=lambda m: m.mlp(kernel_constraint=m.keras.constraints.MaxNorm(0.5), bias_constraint=m.keras.constraints.NonNeg()))
case("own-penalty", "a penalty of weights of one's own, without a configuration", "layers", model=lambda m: m.mlp(kernel_regularizer=m.TowardsOne(), bias_regularizer=m.absolute))
case("own-constraint", "a constraint of one's own, without a configuration", "layers", model=lambda m: m.mlp(kernel_constraint=m.Halfway()))

# Operations over the batch

case("mean-of-batch", "keras.ops over the batch in a functional model", "batch", model=lambda m: m.functional(lambda h: h - m.ops.mean(h, axis=0, keepdims=True)))
case("flip-of-batch", "examples exchanged within the batch", "batch", model=lambda m: m.functional(lambda h: h + 0.5 * m.ops.flip(h, axis=0)))
case("reshape-over-batch", "a reshape over the batch and back", "batch", model=lambda m: m.functional(lambda h: m.ops.reshape(m.ops.cumsum(m.ops.reshape(h, (-1, 2)), axis=0), (-1, 8)) / 100))
case("own-layer-over-batch", "a layer of one's own over the batch", "batch", model=lambda m: m.around(m.BatchCentre(), m.layers.ReLU()))
case("lambda-over-batch", "Lambda over the batch", "batch", model=lambda m: m.around(m.layers.Lambda(lambda x: x - m.ops.max(x, axis=0))))
case(
    "softmax-over-batch",
    "Keras's own Softmax over the batch",
    "batch",
    model=lambda m: m.around(m.layers.Softmax(axis=0)),
)
case("activation-over-batch", "an activation function over the batch", "batch", model=lambda m: m.sequential((12,), m.layers.Dense(8, lambda x: x / (1e-3 + m.ops.std(x, axis=0))), m.layers.Dense(4)))
case(
    "batch-in-nested",
    "an operation over the batch in a nested model",
    "batch",
    model=lambda m: m.nested(m.BatchCentre()),
)
case("penalty-over-batch", "a regularizer of activities over the batch", "batch", model=lambda m: m.mlp(activity_regularizer=lambda h: 5 * m.ops.sum(m.ops.square(m.ops.mean(h, axis=0)))))
case("many-test-examples", "evaluation of 620 test examples at once, with their penalty", "batch", data=lambda: made.points(n_test=620), model=lambda m: m.functional(lambda h: m.layers.ActivityRegularization(l2=0.05)(h - m.ops.mean(h, axis=0))))

# Models

case("functional-ops", "keras.ops on single examples", "models", model=lambda m: m.functional(lambda h: m.ops.concatenate([h, m.ops.square(h)], axis=-1)))
case("residual", "a residual network", "models", **_IMAGES, model=lambda m: m.residual())
case("shared", "one layer applied several times", "models", model=lambda m: m.shared())
case("nested-sequential", "a Sequential in a Sequential", "models", model=lambda m: m.nested())
case("nested-functional", "a functional model in another", "models", model=lambda m: m.nested_functional())
case("subclassed", "a subclassed model without get_config, made with a function", "models", model=lambda m: m.built(m.Subclassed(m.ops.sin)))
case("subclassed-written", "a subclassed model with get_config", "models", model=lambda m: m.built(m.Written()))
case("subclassed-penalised", "a subclassed model that adds a loss", "models", model=lambda m: m.built(m.Penalised()))
case("subclassed-extras", "a subclassed model with dropout and batch normalisation", "models", model=lambda m: m.built(m.Subclassed(extra=m.keras.Sequential([m.layers.BatchNormalization(), m.layers.Dropout(0.2)]))))
case("frozen-layer", "a layer that is frozen", "models", model=lambda m: m.frozen_first())
case("compiled", "a model that was compiled with something else", "models", model=lambda m: m.compiled())
case("nested-own-loss", "a nested model whose compute_loss is overridden, which Keras does not ask", "models", model=lambda m: m.around_own_loss())
case("sequential-called", "a Sequential without Input that was called once", "models", model=lambda m: m.built(m.keras.Sequential([m.layers.Dense(8, "relu"), m.layers.Dense(4)])))
case("output-in-list", "one output, in a list", "models", model=lambda m: m.listed())
case("input-by-name", "one input, by name", "models", model=lambda m: m.named())
case("unbuilt", "a model without weights yet", "models", model=lambda m: m.keras.Sequential([m.layers.Dense(4)]), refused="has no weights yet", why="begin it with keras.Input")
case("unbuilt-subclassed", "a subclassed model without weights yet", "models", model=lambda m: m.Subclassed(), refused="has no weights yet", why="call it once")
case("nothing-trainable", "a model with nothing to train", "models", model=lambda m: m.nothing_trainable(), refused="has nothing to train", why="nothing would change")
case(
    "own-train-step",
    "an overridden train_step",
    "models",
    model=lambda m: m.built(m.OwnTrainStep()),
    refused="train_step",
    why="the engine has a step of its own",
)
case(
    "own-test-step",
    "an overridden test_step",
    "models",
    model=lambda m: m.built(m.OwnTestStep()),
    refused="test_step",
    why="the engine has an evaluation of its own",
)
case(
    "own-compute-loss",
    "an overridden compute_loss",
    "models",
    model=lambda m: m.built(m.OwnLoss()),
    refused="compute_loss",
    why="write a Loss, or add_loss in a layer",
)
case("inherited-compute-loss", "an inherited compute_loss", "models", model=lambda m: m.built(m.OwnLossFromAbove()), refused="compute_loss", why="write a Loss, or add_loss in a layer")
case("own-compute-metrics", "an overridden compute_metrics", "models", model=lambda m: m.built(m.OwnMetrics()), refused="compute_metrics", why="give metrics= to train")
case(
    "two-outputs", "two outputs", "models", model=lambda m: m.branches(outputs=2), refused="2 outputs", why="one output"
)
case(
    "named-outputs",
    "outputs by name",
    "models",
    model=lambda m: m.branches(outputs=2, by_name=True),
    refused="2 outputs",
    why="one output",
)
case("two-outputs-subclassed", "a pair as output of a subclassed model", "models", model=lambda m: m.built(m.TwoOutputs()), refused="2 outputs", why="one output")
case("two-inputs", "two inputs", "models", data=lambda: made.points().with_examples(lambda x: [x, x]), model=lambda m: m.branches(inputs=2), refused="2 inputs", why="one input")
case(
    "two-inputs-one-array",
    "two inputs, one array",
    "models",
    model=lambda m: m.branches(inputs=2),
    refused="2 inputs",
    why="one input",
)
case("named-inputs", "inputs by name", "models", data=lambda: made.points().with_examples(lambda x: {"in0": x, "in1": x}), model=lambda m: m.branches(inputs=2, by_name=True), refused="2 inputs", why="one input")

# Optimizers

for _name, _shows, _optimizer in (
    ("momentum", "SGD with momentum", lambda o: o.SGD(0.05, momentum=0.9)),
    ("nesterov", "SGD with Nesterov's momentum", lambda o: o.SGD(0.05, momentum=0.9, nesterov=True)),
    ("adam", "Adam", lambda o: o.Adam(0.01)),
    ("amsgrad", "Adam with AMSGrad", lambda o: o.Adam(0.01, amsgrad=True)),
    ("adamw", "AdamW", lambda o: o.AdamW(0.01, weight_decay=0.05)),
    ("adamax", "Adamax", lambda o: o.Adamax(0.01)),
    ("nadam", "Nadam", lambda o: o.Nadam(0.01)),
    ("rmsprop", "RMSprop, centred", lambda o: o.RMSprop(0.01, centered=True, momentum=0.5)),
    ("adagrad", "Adagrad", lambda o: o.Adagrad(0.05)),
    ("adadelta", "Adadelta", lambda o: o.Adadelta(5.0)),
    ("ftrl", "Ftrl", lambda o: o.Ftrl(0.1, l1_regularization_strength=0.001)),
    ("lion", "Lion", lambda o: o.Lion(0.01)),
    ("adafactor", "Adafactor", lambda o: o.Adafactor(0.05)),
    ("lamb", "Lamb", lambda o: o.Lamb(0.02)),
    ("muon", "Muon", lambda o: o.Muon(0.01)),
    ("schedule-free", "ScheduleFreeAdamW", lambda o: o.ScheduleFreeAdamW(0.01)),
    ("clipnorm", "clipnorm", lambda o: o.SGD(0.5, clipnorm=0.1)),
    ("clipvalue", "clipvalue", lambda o: o.SGD(0.5, clipvalue=0.02)),
    ("global-clipnorm", "global_clipnorm", lambda o: o.Adam(0.01, global_clipnorm=0.1)),
    ("weight-decay", "weight_decay", lambda o: o.SGD(0.1, weight_decay=0.1)),
    ("ema", "use_ema", lambda o: o.SGD(0.2, use_ema=True, ema_momentum=0.9)),
    (
        "ema-overwriting",
        "use_ema with ema_overwrite_frequency",
        lambda o: o.SGD(0.2, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3),
    ),
    ("accumulation", "gradient_accumulation_steps", lambda o: o.SGD(0.2, gradient_accumulation_steps=3)),
    (
        "accumulation-ema",
        "gradient_accumulation_steps with use_ema",
        lambda o: o.Adam(0.02, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.7),
    ),
    ("loss-scale-factor", "loss_scale_factor", lambda o: o.SGD(0.1, loss_scale_factor=16.0)),
    (
        "loss-scaling",
        "LossScaleOptimizer",
        lambda o: o.LossScaleOptimizer(o.SGD(0.1), initial_scale=64.0, dynamic_growth_steps=2),
    ),
    (
        "loss-scaling-ema",
        "LossScaleOptimizer of an optimizer with use_ema",
        lambda o: o.LossScaleOptimizer(o.SGD(0.2, use_ema=True, ema_momentum=0.8), initial_scale=64.0),
    ),
    ("own-schedule", "a schedule in the optimizer", lambda o: o.SGD(o.schedules.ExponentialDecay(0.2, 2, 0.7))),
):
    case(
        _name,
        _shows,
        "optimizers",
        optimizer=lambda m, _optimizer=_optimizer: _optimizer(m.optimizers),
        refused_on={"tensorflow": "sets the average of ScheduleFreeAdamW anew"} if _name == "schedule-free" else {},
    )
case("own-optimizer", "an optimizer of one's own", "optimizers", optimizer=lambda m: m.own_optimizer())
case("momentum-embedding", "momentum on an embedding, whose gradient is sparse", "optimizers", **_WORDS | {"optimizer": lambda m: m.optimizers.SGD(0.2, momentum=0.9)}, model=lambda m: m.reader(m.layers.GlobalAveragePooling1D(), mask_zero=False))
case("clipnorm-embedding", "global_clipnorm on an embedding", "optimizers", **_WORDS | {"optimizer": lambda m: m.optimizers.SGD(0.5, global_clipnorm=0.2)}, model=lambda m: m.reader(m.layers.Flatten(), mask_zero=False))
case("ema-batch-norm", "use_ema with BatchNormalization and Dropout", "optimizers", model=lambda m: m.around(m.layers.BatchNormalization(), m.layers.ReLU(), m.layers.Dropout(0.2)), optimizer=lambda m: m.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.8))
case("schedule-and-rate", "a schedule in the optimizer and learning_rate=", "optimizers", optimizer=lambda m: m.optimizers.SGD(m.optimizers.schedules.ExponentialDecay(0.2, 2, 0.7)), options={"learning_rate": 0.1}, refused="schedule", why="one of the two")
case("scaled-schedule-and-rate", "the same within a LossScaleOptimizer", "optimizers", optimizer=lambda m: m.optimizers.LossScaleOptimizer(m.optimizers.SGD(m.optimizers.schedules.ExponentialDecay(0.2, 2, 0.7))), options={"learning_rate": 0.1}, refused="schedule", why="one of the two")
case(
    "optimizer-name",
    "an optimizer by its name",
    "optimizers",
    optimizer=lambda m: "adam",
    refused="is no Keras optimizer",
    why="give an Optimizer",
)

# Data types

_LARGE: dict[str, Any] = {"data": lambda: made.points().with_examples(lambda x: 20 * x), "optimizer": lambda m: m.optimizers.SGD(0.001)}

case(
    "float64-examples",
    "examples as float64",
    "types",
    data=lambda: made.points().with_examples(lambda x: x.astype(np.float64)),
)
case(
    "float16-examples",
    "examples as float16",
    "types",
    data=lambda: made.points().with_examples(lambda x: x.astype(np.float16)),
)
case("int64-words", "words as int64", "types", **_WORDS | {"data": lambda: made.sentences().with_examples(lambda x: x.astype(np.int64))}, model=lambda m: m.reader(m.layers.Flatten(), dtype="int64"))
case("int-examples", "numbers as int32", "types", data=lambda: made.points().with_examples(lambda x: np.round(3 * x).astype(np.int32)), optimizer=lambda m: m.optimizers.SGD(0.02))
case("pixels", "pixels uint8, rescaled in the model", "types", **_IMAGES | {"data": made.pixels}, model=lambda m: m.sequential((8, 8, 1), m.layers.Rescaling(1 / 255), m.layers.Conv2D(4, 3, activation="relu"), m.layers.Flatten(), m.layers.Dense(4)))
case("pixels-standardised", "pixels uint8, scaled on the device", "types", data=lambda: replace(made.pixels(), scaled=True), model=lambda m: m.convnet(m.layers.BatchNormalization(), m.layers.ReLU()))
case("pixels-subclassed", "pixels uint8 into a subclassed model", "types", data=lambda: made.pixels().with_examples(lambda x: x.reshape(len(x), -1)), model=lambda m: m.built(m.Subclassed(extra=None), 64), optimizer=lambda m: m.optimizers.SGD(0.01))
case("bool-examples", "examples as bool", "types", data=lambda: made.points().with_examples(lambda x: x > 0))
case("float64-model", "a model in float64", "types", model=lambda m: m.mlp(dtype="float64"))
case("float16-model", "a model in float16", "types", model=lambda m: m.mlp(dtype="float16"), tolerance=HALF)
case("bfloat16-model", "a model in bfloat16", "types", model=lambda m: m.mlp(dtype="bfloat16"), tolerance=HALF)
case("mixed-bfloat16", "the policy mixed_bfloat16", "types", policy="mixed_bfloat16", tolerance=HALF)
case("mixed-float16", "the policy mixed_float16, whose scaled loss overflows at first", "types", **_LARGE, policy="mixed_float16", tolerance=HALF)
case("mixed-float16-model", "a subclassed model of the policy mixed_float16", "types", **_LARGE, model=lambda m: m.built(m.Written(dtype="mixed_float16")), tolerance=HALF)
case("float32-loss-of-half-model", "float16 outputs and the sum", "types", model=lambda m: m.mlp(dtype="float16"), loss=lambda m: m.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"), optimizer=lambda m: m.optimizers.SGD(0.003), tolerance=HALF)

# Settings

case("batch-1", "batches of 1", "settings", data=lambda: made.points(n=24), options={"batch_size": 1}, optimizer=lambda m: m.optimizers.SGD(0.03))
case("batch-1-norm", "a last batch of 1 with BatchNormalization", "settings", data=lambda: made.points(n=61), model=lambda m: m.around(m.layers.BatchNormalization()), options={"batch_size": 30})
case(
    "whole-batch",
    "one batch of all examples",
    "settings",
    options={"batch_size": 180},
    optimizer=lambda m: m.optimizers.SGD(0.5),
)
case("odd-batch", "batches of 53, cut unevenly, with a rest of 21", "settings", options={"batch_size": 53})
case(
    "batch-too-large",
    "a batch larger than the data",
    "settings",
    options={"batch_size": 200},
    refused="larger than the data",
    why="no batch would be whole",
)
case(
    "rate",
    "a rate in train",
    "settings",
    options={"learning_rate": 0.1},
    optimizer=lambda m: m.optimizers.SGD(0.1, momentum=0.5),
)
case("streamed", "data streamed in parts", "settings", options={"streamed": True})
case("shuffled-once", "another order of the examples", "settings", options={"order": "shuffled-once"})

# fmt: on

TELLING = (
    "image-targets",
    "own-scalar",
    "own-against-batch",
    "own-broadcast",
    "flat-outputs",
    "ignored",
    "sum",
    "mean-of-batch",
    "many-test-examples",
    "masked-loss",
    "one-unit",
    "ema",
    "batch-norm-nested-frozen",
    "own-random",
    "add-loss-by-example",
    "subclassed",
    "inherited-compute-loss",
    "two-outputs-subclassed",
    "schedule-and-rate",
    "text",
    "no-reduction",
)  # what the ordinary tests train
