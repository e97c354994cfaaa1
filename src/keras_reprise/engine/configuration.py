"""What a model, optimizer or loss is, as text: for telling trainings apart, and for telling which are traced alike.

Neither says anything of what the configuration does not hold: for that both give None.
"""

import json
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from keras_reprise.engine.structure import IN_EVERY_UPDATE, IN_INFERENCE, LAYERS, is_graph, keras_own, operations

if TYPE_CHECKING:
    import keras

Part: TypeAlias = "keras.Model | keras.optimizers.Optimizer | keras.losses.Loss"

TRACED = LAYERS | IN_INFERENCE | IN_EVERY_UPDATE
"""Layers that compute with nothing but their configuration and their variables."""

PLAIN = (bool, int, float, str)
BESIDE = ("name", "built")
"""Attributes of an optimizer that decide nothing of an update: it is built before the first one."""

NAMING = ("name", "keras_history", "input_layers", "output_layers")
"""Entries of a configuration where the name of a layer stands."""


def configured(part: Part) -> str | None:
    """The configuration of a model, optimizer or loss as text; None where it does not say all that decides the numbers.

    It does for what is of Keras's own making. A class or function of a user's own may depend on what no configuration
    holds, whatever its name is. Names are replaced by their order: Keras numbers automatic names on and on.
    """
    config = _config(part)
    try:
        return None if config is None else _text(part, json.dumps(_by_order(config, {}), default=repr))
    except (TypeError, ValueError):
        return None


def traced_alike(
    model: "keras.Model", loss: "keras.losses.Loss | None" = None, optimizer: "keras.optimizers.Optimizer | None" = None
) -> str | None:
    """All that decides what is traced of a model, with its loss and its optimizer: models of the same text compute the
    same on variables of their own. None where that is not known.

    What only begins a training is not part of it: initial weights, seeds, an optimizer's rate as a number.
    """
    import keras

    if not all(keras_own(one) and type(one).__name__ in TRACED for one in operations(model)):
        return None
    variables = _variables(model)
    if variables is None:
        return None
    found = [keras.config.epsilon(), keras.config.image_data_format(), variables]
    for part in (model, loss, optimizer):
        config = None if part is None else _config(part)
        try:
            text = config and _text(part, json.dumps(_without_beginnings(_by_order(config, {}))))
        except (TypeError, ValueError):  # an array, of which a text would not tell all
            return None
        if part is not None and text is None:
            return None
        found.append(text)
    for one in filter(None, (optimizer, getattr(optimizer, "inner_optimizer", None))):
        if getattr(one, "_exclude_from_weight_decay", None) or getattr(one, "_exclude_from_weight_decay_pattern", None):
            return None  # which variables it leaves out stands in no configuration
        found.append(sorted((k, v) for k, v in vars(one).items() if k not in BESIDE and isinstance(v, PLAIN)))
    return json.dumps(found)


def _config(part: Part) -> dict[str, Any] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of lambdas, which are told apart otherwise
            found: dict[str, Any] = part.get_config()
    except (NotImplementedError, OSError, TypeError, ValueError):  # OSError: a lambda whose source cannot be read
        return None
    return found


def _text(part: Part, text: str) -> str | None:
    """The text of a configuration; None where something in it is not Keras's own."""
    modules = re.findall(r'"module": ("[^"]*"|null)', text)
    foreign = any(not module.startswith(('"keras.', '"keras"')) for module in modules)
    unknown = any(mark in text for mark in (" at 0x", '"Lambda"', '"__lambda__"'))
    functions = None if foreign or unknown or not keras_own(part) else _functions(part)
    return None if functions is None else f"{type(part).__name__} {text} {functions}"


def _functions(part: Part) -> str | None:
    """The functions that the layers of a model hold, each with its module: an activation's configuration is a name that
    others have, too. None where one is not Keras's own.

    Initializers are left out, which only begin a training.
    """
    layers = part._flatten_layers() if hasattr(part, "_flatten_layers") else []  # those inside of layers, too
    attributes = [item for layer in layers if not is_graph(layer) for item in vars(layer).items()]
    held = [one for name, one in attributes if callable(one) and not name.endswith("_initializer")]
    if not all(map(keras_own, held)):
        return None
    return " ".join(f"{one.__module__}.{one.__qualname__}" for one in held if hasattr(one, "__qualname__"))


def _by_order(value: object, names: dict[str, str], key: str = "") -> object:
    """A configuration whose names of layers are numbers; what is called the same otherwise (a data type's policy, an
    activation) keeps its name."""
    if isinstance(value, Mapping):
        policy = "DTypePolicy" in str(value.get("class_name"))
        return {k: one if policy else _by_order(one, names, str(k)) for k, one in value.items()}
    if isinstance(value, list | tuple):
        return [_by_order(one, names, key) for one in value]
    return names.setdefault(value, f"#{len(names)}") if isinstance(value, str) and key in NAMING else value


def _without_beginnings(value: object) -> object:
    """A configuration without what only begins a training."""
    if isinstance(value, Mapping):
        return {
            key: _without_beginnings(one)
            for key, one in value.items()
            if not (key == "seed" or key.endswith("_initializer") or (key == "learning_rate" and not _schedule(one)))
        }
    return [_without_beginnings(one) for one in value] if isinstance(value, list) else value


def _schedule(rate: object) -> bool:
    return isinstance(rate, Mapping)


def _variables(model: "keras.Model") -> str | None:
    """Of every variable its shape and type, which of the trainable ones it is, and what holds it; None where that is
    somebody's own, of which a configuration need not tell all."""
    places = {id(variable): place for place, variable in enumerate(model.trainable_variables)}
    held = [one for v in model.variables for one in (v.regularizer, v.constraint) if one is not None]
    if not all(keras_own(one) for one in held):
        return None
    try:
        return json.dumps(
            [(list(v.shape), str(v.dtype), places.get(id(v)), *map(_described, (v.regularizer, v.constraint)))
             for v in model.variables]
        )  # fmt: skip
    except (TypeError, ValueError):
        return None


def _described(one: "keras.regularizers.Regularizer | keras.constraints.Constraint | None") -> object:
    return None if one is None else (type(one).__name__, one.get_config())
