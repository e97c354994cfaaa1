"""The residual networks for CIFAR-10 of He et al. (2015), and the plain ones beside them."""

from collections.abc import Sequence

import keras

from keras_reprise.base.seeds import Seeds


def residual_network(
    seeds: Seeds, image_shape: tuple[int, ...], classes: int, blocks: int, filters: Sequence[int] = (16, 32, 64), *,
    skips: bool = True, shrink: int = 1, penalty: float = 0.0, augmented: bool = False, without: int = 0,
    normalisation: type[keras.layers.Layer] | None = keras.layers.BatchNormalization,
) -> keras.Model:  # fmt: skip
    """A network of 2 x stages x `blocks` + 2 layers of weights; three stages of `filters` are the paper's.

    A convolution, then the stages of so many blocks, the mean over places, and a dense layer to logits. A block
    ("block1", "block2", ...) is two convolutions 3x3, each normalised, the first followed by a ReLU; the block's input
    is added (`skips`) before the second ReLU. A stage after the first begins with a stride of 2, past which the input
    goes as every second place of each map, with maps of zeros for the new filters: shortcuts without weights, the
    paper's option A, for stages that each double the filters. He's normal weights, no biases before a normalisation.

    Images (height, width, channels) are averaged over squares of the side `shrink` first. `penalty` is the weight decay
    of the paper, as a penalty of half of it times the squared weights of convolutions and dense layer. `augmented`
    shifts training images by up to 4 pixels, zeros coming in, and mirrors every second. `without` leaves out that block
    (from 1 on), which must not begin a later stage. Layers have names, by which those of another such network find the
    weights to take over.
    Source: He et al. (2015), "Deep residual learning for image recognition", section 4.2.
    """
    layers, regularizer = keras.layers, keras.regularizers.L2(penalty / 2) if penalty else None

    def convolution(x: keras.KerasTensor, units: int, stride: int, name: str) -> keras.KerasTensor:
        kernel = keras.initializers.HeNormal(seeds.weights(name))
        x = layers.Conv2D(
            units, 3, stride, "same", use_bias=normalisation is None, kernel_initializer=kernel,
            kernel_regularizer=regularizer, name=name,
        )(x)  # fmt: skip
        return x if normalisation is None else normalisation(momentum=0.9, name=f"{name}_norm")(x)

    x = inputs = keras.Input(image_shape)
    if augmented:
        shifts = {"fill_mode": "constant", "interpolation": "nearest", "seed": seeds.integer("augmentation", "shift")}
        x = layers.RandomTranslation(4 / image_shape[0], 4 / image_shape[1], **shifts)(x)
        x = layers.RandomFlip("horizontal", seed=seeds.integer("augmentation", "flip"))(x)
    x = layers.AveragePooling2D(shrink)(x) if shrink > 1 else x
    x = layers.ReLU()(convolution(x, filters[0], 1, "first"))
    for stage, units in enumerate(filters):
        for place in range(blocks):
            number, stride = stage * blocks + place + 1, 2 if stage and not place else 1
            if number == without:
                continue
            branch = layers.ReLU()(convolution(x, units, stride, f"block{number}a"))
            branch = convolution(branch, units, 1, f"block{number}b")
            if skips:
                branch = layers.Add()([_shortcut(x, units) if stride > 1 else x, branch])
            x = layers.ReLU(name=f"block{number}")(branch)
    head = keras.initializers.HeNormal(seeds.weights("logits"))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(classes, kernel_initializer=head, kernel_regularizer=regularizer, name="logits")(x)
    return keras.Model(inputs, x)


def _shortcut(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """Every second place of each map, and maps of zeros for the further units."""
    layers, further = keras.layers, units - x.shape[-1]
    x = layers.Permute((3, 1, 2))(layers.AveragePooling2D(1, 2)(x))  # the maps where rows were, which can be padded
    return layers.Permute((2, 3, 1))(layers.ZeroPadding2D(((0, further), (0, 0)))(x))
