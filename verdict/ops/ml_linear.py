"""Scaler, LinearRegressor and LinearClassifier of ai.onnx.ml: linear functions with their weights in attributes.

The weights are float32 numbers, exactly. Of a classifier the first output is the label of its largest raw score, the
second the scores, behind a head where `post_transform` asks for one.
"""

from collections.abc import Sequence

import numpy as np

from ..network.head import Label
from .arithmetic import add, multiply
from .head import chosen, then, with_zero
from .lowering import Constant, Context, Symbol, Value, operator
from .matmul import matmul
from .signature import TEXT, integer, integers, reals, since, text, texts


def _numbers(ctx: Context, name: str, *sizes: int) -> Constant:
    """An attribute's numbers as a vector of one of these lengths."""
    given = ctx.attribute(name)
    if given is None:
        ctx.fail(f"the attribute {name!r} is missing")
    if len(given) not in sizes:
        ctx.fail(f"{len(given)} numbers in {name!r}, expected {' or '.join(map(str, sorted(set(sizes))))}")
    return Constant(np.array(given, dtype=np.float64))


def _rows(ctx: Context) -> Symbol:
    x = ctx.symbol(0)
    if len(x.shape) != 2 or not x.shape[1]:
        ctx.fail(f"an input of shape {x.shape}, expected two axes")
    return x


@operator("ai.onnx.ml.Scaler", since(1, "X:T -> Y:float32", scale=reals(), offset=reals()))
def scaler(ctx: Context) -> list[Value]:
    """(x - offset) * scale"""
    x = _rows(ctx)
    offset = _numbers(ctx, "offset", 1, x.shape[1])
    factor = _numbers(ctx, "scale", 1, x.shape[1])
    if offset.shape != factor.shape:
        ctx.fail(f"{offset.shape[0]} offsets and {factor.shape[0]} factors")
    negated = Constant(-offset.array)
    return [multiply(ctx, add(ctx, x, negated), factor)]


def _linear(ctx: Context, x: Symbol, rows: int, intercepts: Constant | None) -> Symbol:
    """x times the coefficients, a row for each output, plus the intercepts."""
    weights = _numbers(ctx, "coefficients", rows * x.shape[1])
    product = matmul(ctx, x, weights.map(lambda a: a.reshape(rows, x.shape[1]).T))
    return ctx.lift(product if intercepts is None else add(ctx, product, intercepts))


@operator(
    "ai.onnx.ml.LinearRegressor",
    since(
        1, "X:T -> Y:float32", coefficients=reals(), intercepts=reals(), targets=integer(1), post_transform=text("NONE")
    ),
)
def linear_regressor(ctx: Context) -> list[Value]:
    x, targets = _rows(ctx), int(ctx.attribute("targets"))
    if targets < 1:
        ctx.fail(f"targets = {targets}")
    given = ctx.attribute("intercepts")
    return [_linear(ctx, x, targets, _numbers(ctx, "intercepts", targets) if given else None)]


@operator(
    "ai.onnx.ml.LinearClassifier",
    since(
        1,
        "X:T -> Y:L Z:float32",
        {"L": TEXT | {"int64"}},
        coefficients=reals(required=True),
        intercepts=reals(),
        classlabels_ints=integers(),
        classlabels_strings=texts(),
        # ONNX Runtime does not look at it.
        multi_class=integer(0),
        post_transform=text("NONE", "SOFTMAX", "LOGISTIC"),
    ),
)
def linear_classifier(ctx: Context) -> list[Value]:
    x = _rows(ctx)
    numbers, words = ctx.attribute("classlabels_ints"), ctx.attribute("classlabels_strings")
    labels = numbers or words or []
    if bool(numbers) == bool(words) or len(labels) < 2:
        ctx.fail("labels for two classes or more are expected, as integers or as texts")
    intercepts, kind = _numbers(ctx, "intercepts", len(labels), 1), "int64" if numbers else "object"
    if intercepts.shape == (1,):
        return _of_one_row(ctx, _linear(ctx, x, 1, intercepts), labels, kind)
    scores = _linear(ctx, x, len(labels), intercepts)
    label = chosen(ctx, scores, labels, x.shape[:1], kind)
    step = {"NONE": "", "SOFTMAX": "Softmax", "LOGISTIC": "Sigmoid"}[ctx.attribute("post_transform")]
    return [label, then(scores, step) if step else scores]


def _of_one_row(ctx: Context, score: Symbol, labels: Sequence[Label], kind: str) -> list[Value]:
    """Of one number s the label is the second where s > 0. The second output holds sigmoid(-s) and sigmoid(s) with
    LOGISTIC; else 1 - s and s, by which the class would be another one, and it is left out."""
    if len(labels) != 2 or score.shape != (1, 1):
        ctx.fail(f"{len(labels)} labels and {score.shape[0]} inputs for one row of coefficients, expected 2 and 1")
    pair = Symbol(with_zero(ctx.builder, score, ctx.name), (1, 2))
    label = chosen(ctx, pair, labels, score.shape[:1], kind)
    if ctx.attribute("post_transform") != "LOGISTIC":
        return [label]
    return [label, then(multiply(ctx, score, Constant(np.array([[-1.0, 1.0]]))), "Sigmoid")]
