"""From facts to plain training scripts, and at which of their lines each fault is to be mended.

A script loads `data.npz` from its own folder, scales and encodes it, builds a Sequential model with one Keras layer for
each entry of the facts, compiles and fits it. It runs on every backend of Keras 3. What Keras 2 did by default is spelled
out, as in the facts.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.deeplocalize40.data import arrays, plan_of, recipe_of
from bench.deeplocalize40.facts import HERE, Case, Settings, settings

Tag = str | tuple[str, int]


class Script(NamedTuple):
    """A program as text, and the numbers of its lines by what stands there.

    The tags are load, x, y, optimizer, learning-rate, compile, loss, fit, batch-size, epochs, and ("layer", index).
    """

    text: str
    lines: dict[Tag, tuple[int, ...]]


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.tags: dict[Tag, tuple[int, ...]] = {}

    def add(self, *lines: str, tag: Tag | None = None) -> None:
        for line in lines:
            self.lines.append(line)
            if tag is not None:
                self.tags[tag] = (*self.tags.get(tag, ()), len(self.lines))

    def call(self, head: str, arguments: list[tuple[str, Tag | None]], tag: Tag) -> None:
        """A call with each of its arguments on a line of its own."""
        self.add(head, tag=tag)
        for argument, own in arguments:
            self.add(f"    {argument},", tag=own)
        self.add(")")


def script(case: Case, version: str, seed: int = 0) -> Script:
    """The program of a version, seeded."""
    own = settings(case, version)
    text = _Writer()
    text.add("import os", "", "import keras", "import numpy as np", "from keras import layers", "")
    text.add(f"keras.utils.set_random_seed({seed})", "")
    text.add("folder = os.path.dirname(os.path.abspath(__file__))")
    text.add('data = np.load(os.path.join(folder, "data.npz"))', tag="load")
    _write_data(text, case, version, own)
    text.add("")
    _write_model(text, case, version, own)
    text.add("")
    _write_training(text, case, version, own)
    return Script("\n".join(text.lines) + "\n", text.tags)


def write(case: Case, version: str, folder: Path, seed: int = 0, files: Path | None = None) -> Script:
    """Write a version's script, `train.py`, and its data into a folder."""
    made = script(case, version, seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(made.text)
    np.savez_compressed(folder / "data.npz", **arrays(case, version, files))
    return made


def _write_data(text: _Writer, case: Case, version: str, own: Settings) -> None:
    recipe = recipe_of(case)
    raw = (recipe.targets if version == "fixed" else None) or 'data["y_train"]'
    text.add(*_scaled("x", own.scaling), tag="x")
    text.add(*_encoded(raw, own), tag="y")
    if "on y" in own.scaling:
        text.add("y_train = (y_train - y_train.mean()) / y_train.std()", tag="y")
    if (own.validation or {}).get("kind") == "holdout":
        text.add(_validated_inputs(own.scaling))
        text.add(*(line.replace("y_train", "y_val") for line in _encoded(raw, own)))
        if "on y" in own.scaling:
            text.add("y_val = (y_val - y_val.mean()) / y_val.std()")


def _scaled(name: str, scaling: str) -> list[str]:
    load = f'{name}_train = data["{name}_train"]'
    if scaling.startswith("none"):
        return [f'{load}.astype("float32")']
    if found := re.match(r"/(\d+)", scaling):
        return [f'{load}.astype("float32") / {found[1]}.0']
    if scaling.lower().startswith("standard"):
        return [
            f'{load}.astype("float64")',
            f"mean, std = {name}_train.mean(axis=0), {name}_train.std(axis=0)",
            f"std[np.ptp({name}_train, axis=0) == 0] = 1.0",
            f"{name}_train = ({name}_train - mean) / std",
        ]
    if scaling.startswith("MinMaxScaler"):
        return [
            f'{load}.astype("float64")',
            f"low, high = {name}_train.min(axis=0), {name}_train.max(axis=0)",
            f"{name}_train = ({name}_train - low) / (high - low)",
        ]
    if scaling == "only y: standard on y":
        return [f'{load}.astype("float32")']
    raise ValueError(f"facts.json has the scaling {scaling!r}, which programs.py cannot write")


def _validated_inputs(scaling: str) -> str:
    if scaling.lower().startswith("standard"):
        return 'x_val = (data["x_val"] - mean) / std'
    if scaling.startswith("MinMaxScaler"):
        return 'x_val = (data["x_val"] - low) / (high - low)'
    return _scaled("x", scaling)[0].replace("x_train", "x_val")


def _encoded(raw: str, own: Settings) -> list[str]:
    if own.encoding == "one-hot":
        return [f"y_train = keras.utils.to_categorical({raw}, {own.target_shape[-1]})"]
    if "divided by 255" in own.encoding:
        return [f"y_train = {raw} / 255.0"]
    return [f'y_train = ({raw}).astype("float32")' if "/" in raw else f'y_train = {raw}.astype("float32")']


def _write_model(text: _Writer, case: Case, version: str, own: Settings) -> None:
    image = recipe_of(case).image
    shape = (image, image, own.input_shape[-1]) if image else own.input_shape
    text.add("model = keras.Sequential()", tag=("layer", -1))
    text.add(f"model.add(keras.Input(shape={shape}))", tag=("layer", -1))
    for index, layer in enumerate(case[version]["layers"]):
        text.add(f"model.add(layers.{layer_call(layer)})", tag=("layer", index))


_POSITIONAL = {
    "Dense": ("units",),
    "Conv2D": ("filters", "kernel_size"),
    "MaxPooling2D": ("pool_size",),
    "Dropout": ("rate",),
    "Activation": ("activation",),
    "Reshape": ("target_shape",),
}
_LEFT_OUT = {"activation": None, "use_bias": True, "strides": [1, 1], "padding": "valid"}
_SAME_AS_DEFAULT = {
    "random_uniform(minval=-0.05,maxval=0.05)": "random_uniform",
    "random_normal(mean=0.0,stddev=0.05)": "random_normal",
}


def layer_call(layer: dict[str, Any]) -> str:
    """A layer of the facts as a Keras call; settings that are the default are left out."""
    kind = layer["type"]
    first = _POSITIONAL.get(kind, ())
    values = [_value(name, layer[name]) for name in first]
    for name, value in layer.items():
        same = name in _LEFT_OUT and value == _LEFT_OUT[name]
        if (
            name not in ("type", "source_type", *first)
            and not same
            and not (kind == "MaxPooling2D" and name == "strides")
        ):
            values.append(f"{name}={_value(name, value)}")
    return f"{kind}({', '.join(values)})"


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return str(tuple(value))
    if name.endswith(("_initializer", "_regularizer")):
        return _object(_SAME_AS_DEFAULT.get(value, value))
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _object(text: str) -> str:
    """`random_normal(mean=0.0,stddev=1.0)` as a Keras object; a mere name as a string."""
    if "(" not in text:
        return f'"{text}"'
    name, arguments = text.rstrip(")").split("(")
    owner = "regularizers" if name in ("l1", "l2") else "initializers"
    title = "".join(part.title() for part in name.split("_"))
    return f"keras.{owner}.{title}({arguments.replace(',', ', ')})"


def _write_training(text: _Writer, case: Case, version: str, own: Settings) -> None:
    program, shortened = case[version], plan_of(case, version)
    optimizer = dict(program["optimizer"])
    decay, rate = optimizer.pop("decay", 0.0), optimizer.pop("learning_rate")
    arguments: list[tuple[str, Tag | None]] = [(f"learning_rate={rate}", "learning-rate")]
    if decay:
        schedule = f"keras.optimizers.schedules.InverseTimeDecay({rate}, decay_steps=1, decay_rate={decay})"
        arguments = [(f"learning_rate={schedule}", "learning-rate")]
    arguments += [(f"{name}={value}", None) for name, value in optimizer.items() if name != "name" and value]
    text.call(f"optimizer = keras.optimizers.{program['optimizer']['name']}(", arguments, "optimizer")
    compiled: list[tuple[str, Tag | None]] = [
        (f'loss="{program["loss"]}"', "loss"),
        ("optimizer=optimizer", "optimizer"),
    ]
    if program["metrics"]:
        compiled.append((f"metrics={program['metrics']}".replace("'", '"'), None))
    text.call("model.compile(", compiled, "compile")
    fitted: list[tuple[str, Tag | None]] = [("x_train", "x"), ("y_train", "y")]
    fitted += [(f"batch_size={own.batch_size}", "batch-size"), (f"epochs={shortened.epochs}", "epochs")]
    validation = own.validation or {"kind": "none"}
    if validation["kind"] == "split":
        fitted.append((f"validation_split={validation['fraction']}", None))
    if validation["kind"] == "holdout":
        fitted.append(("validation_data=(x_val, y_val)", None))
    if program.get("callbacks"):
        stop = 'keras.callbacks.EarlyStopping(monitor="val_loss", patience=0)'
        fitted.append((f"callbacks=[{stop}]", None))
    fitted.append(("verbose=2", None))
    text.call("history = model.fit(", fitted, "fit")


# ---- what a program is, for results to be known again ------------------------------------------------------------------

_DATA = ("facts.py", "plan.py", "data.py", "formulas.py", "tabular.py", "images.py")


def program_hash(case: Case, version: str, seed: int, files: Path | None) -> str:
    """Hash of a script, of what its data is made from, and of the versions of the libraries it runs on."""
    parts = [script(case, version, seed).text.encode(), *map(_source, _DATA)]
    for each in case["data"]["file"] or []:
        if files is not None and each["copied_to"]:
            parts.append((files / Path(*Path(each["copied_to"]).parts[1:])).read_bytes())
    parts += [_version(name).encode() for name in ("keras", "numpy", "scikit-learn", "tensorflow-cpu", "jax", "torch")]
    return hash_of(parts)


@functools.cache
def _source(name: str) -> bytes:
    return (HERE / name).read_bytes()


@functools.cache
def _version(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} missing"


def hash_of(parts: Iterable[bytes]) -> str:
    """A short hash of several pieces of bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:12]
