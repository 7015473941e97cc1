"""What may stand behind the scores: the checker reads it as the engine does, and refuses what changes an order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from verdict.checker import UnreadableError, second_look
from verdict.checker.readers.claim import read_claim
from verdict.checker.readers.onnx.reader import read
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import network_of

ML = "ai.onnx.ml"
NAMES = ["setosa", "virginica", "versicolor"]


def _model(nodes, weights=(), classes=3, kind=TensorProto.FLOAT, output=TensorProto.FLOAT, many=False, opset=13):
    """Scores of `classes` by a Gemm, and the nodes behind `z`; the last output is the model's."""
    rng = np.random.default_rng(3)
    real = helper.tensor_dtype_to_np_dtype(kind)
    own = [numpy_helper.from_array(rng.standard_normal((4, classes)).astype(real), "w"),
           numpy_helper.from_array(rng.standard_normal(classes).astype(real), "b")]
    first = helper.make_node("Gemm", ["x", "w", "b"], ["z"])
    info = helper.make_tensor_value_info(nodes[-1].output[0], output, None)
    if many:
        info.type.CopyFrom(helper.make_sequence_type_proto(
            helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))))
    graph = helper.make_graph([first, *nodes], "g", [helper.make_tensor_value_info("x", kind, (1, 4))], [info],
                              [*own, *weights])
    sets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 2)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def _node(op, inputs, outputs, domain="", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), domain=domain, **attributes)


def _ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


ONE = numpy_helper.from_array(np.ones((1, 1), np.float32), "one")
TEXTS = numpy_helper.from_array(np.array(NAMES, dtype=object), "names")
LABEL = [_node("ArgMax", "z", "k", axis=1), _node("ArrayFeatureExtractor", "names k", "l", ML)]
BINARY = [_node("Sigmoid", "z", "p"), _node("Sub", "one p", "q"), _node("Concat", "q p", "both", axis=1)]
HEADS = {
    "sigmoids": ([_node("Sigmoid", "z", "p")], {}),
    "log of softmax": ([_node("Softmax", "z", "p"), _node("Log", "p", "y")], {}),
    "one probability": ([_node("Sigmoid", "z", "p")], {"classes": 1}),
    "its logarithm": ([_node("Sigmoid", "z", "p"), _node("Log", "p", "y")], {"classes": 1}),
    "two of one": (BINARY, {"classes": 1, "weights": [ONE]}),
    "two of one, moved": ([*BINARY, _node("Gather", "both turned", "y", axis=1)],
                          {"classes": 1, "weights": [ONE, _ints("turned", 1, 0)]}),
    "label of two": ([*BINARY, _node("ArgMax", "both", "k", axis=1), _node("Gather", "numbers k", "y"),
                      _node("Cast", "y", "c", to=TensorProto.FLOAT)],
                     {"classes": 1, "weights": [ONE, _ints("numbers", 30, 10)]}),
    "shares": ([_node("Sigmoid", "z", "p"), _node("Abs", "p", "a"), _node("ReduceSum", "a one", "t"),
                _node("Div", "a t", "y")], {"weights": [_ints("one", 1)]}),
    "text": (LABEL, {"weights": [TEXTS], "output": TensorProto.STRING}),
    "renamed text": ([*LABEL, _node("Reshape", "l minus", "r"),
                      _node("LabelEncoder", "r", "y", ML, keys_strings=sorted(NAMES), values_int64s=[5, 7, 9])],
                     {"weights": [TEXTS, _ints("minus", -1)], "output": TensorProto.INT64}),
    "map": ([_node("Softmax", "z", "p", axis=1), _node("ZipMap", "p", "y", ML, classlabels_strings=NAMES)],
            {"many": True}),
    **{f"norm {norm}": ([_node("Softmax", "z", "p", axis=1), _node("Normalizer", "p", "y", ML, norm=norm)], {})
       for norm in ("L1", "L2", "MAX")},
    "scaled": ([_node("Scaler", "z", "y", ML, offset=[1.0], scale=[0.5])], {}),
    "regressor": ([_node("LinearRegressor", "z", "y", ML, coefficients=[1.0, 2.0, -1.0] * 2, targets=2)], {}),
    **{f"classifier {after}": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1, 0, 1, 1],
                                      intercepts=[0.5, -0.5], classlabels_strings=NAMES[:2], post_transform=after),
                                _node("Identity", "y", "o")], {}) for after in ("NONE", "SOFTMAX", "LOGISTIC")},
    "classifier's label": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1, 0, 1, 1],
                                  intercepts=[0.5, -0.5], classlabels_ints=[4, 2])], {"output": TensorProto.INT64}),
    "label of one row": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1],
                                intercepts=[0.5], classlabels_ints=[4, 2])], {"output": TensorProto.INT64}),
    "two of one row": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1], intercepts=[0.5],
                              classlabels_ints=[4, 2], post_transform="LOGISTIC"), _node("Identity", "y", "o")], {}),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_checker_reads_what_the_engine_reads(name):
    nodes, given = HEADS[name]
    data = _model(nodes, **given)
    mine, theirs = read(data), network_of(data, Path("model.onnx"))
    network, x = mine.network, [Fraction(k, 3) for k in (1, -4, 7, 2)]
    assert network.evaluate(x)[network.output] == list(theirs.evaluate_exact(ExactVector.of(x)).fractions())
    head = theirs.outputs[0].head
    assert network.head == (None if head is None else str(head))
    if head is not None:
        assert network.labels == (head.labels or head.keys or ())
        assert network.is_class == (head.is_single or head.labels is not None)
    second_look.look(mine, [])


REFUSED = {
    "a logarithm of an order": ([_node("Sigmoid", "z", "p"), _node("Log", "p", "q"), _node("Log", "q", "y")], {}),
    "2 - p": ([_node("Sigmoid", "z", "p"), _node("Sub", "two p", "y")],
              {"weights": [numpy_helper.from_array(np.full((1, 1), 2, np.float32), "two")]}),
    "p - 1": ([_node("Sigmoid", "z", "p"), _node("Sub", "p one", "y")], {"weights": [ONE]}),
    "1 - softmax": ([_node("Softmax", "z", "p"), _node("Sub", "one p", "y")], {"weights": [ONE]}),
    "scores beside probabilities": ([_node("Sigmoid", "z", "p"), _node("Concat", "z p", "y", axis=1)], {}),
    "softmax moved": ([_node("Softmax", "z", "p"), _node("Gather", "p turned", "y", axis=1)],
                      {"weights": [_ints("turned", 1, 0, 2)]}),
    "added": ([_node("LogSoftmax", "z", "p"), _node("Add", "p p", "y")], {}),
    "a sum": ([_node("Sigmoid", "z", "p"), _node("ReduceSum", "p", "y")], {}),
    "others' sum": ([_node("Sigmoid", "z", "p"), _node("Log", "p", "l"), _node("Sigmoid", "l", "q"),
                     _node("ReduceSum", "q", "t"), _node("Div", "p t", "y")], {}),
    "two classes of one name": ([_node("ArgMax", "z", "k", axis=1), _node("Gather", "numbers k", "y")],
                                {"weights": [_ints("numbers", 1, 2, 1)], "output": TensorProto.INT64}),
    "a position that is not there": ([_node("ArgMax", "z", "k", axis=1), _node("Gather", "numbers k", "y")],
                                     {"weights": [_ints("numbers", 1, 2)], "output": TensorProto.INT64}),
    "last of the largest": ([_node("ArgMax", "z", "y", axis=1, select_last_index=1)], {"output": TensorProto.INT64}),
    "a label without a key": ([_node("ArgMax", "z", "k", axis=1),
                               _node("LabelEncoder", "k", "y", ML, keys_int64s=[0, 1], values_int64s=[5, 6])],
                              {"output": TensorProto.INT64}),
    "behind a map": ([_node("Softmax", "z", "p", axis=1), _node("ZipMap", "p", "m", ML, classlabels_strings=NAMES),
                      _node("Identity", "m", "y")], {"many": True}),
    "probit": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1, 0, 1, 1], intercepts=[0.0, 0.0],
                      classlabels_ints=[0, 1], post_transform="PROBIT")], {"output": TensorProto.INT64}),
    "one row of coefficients for three": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1],
                                                 intercepts=[0.0], classlabels_ints=[0, 1, 2])],
                                          {"output": TensorProto.INT64}),
    **{f"one row of coefficients, {after}": ([_node("LinearClassifier", "z", "l y", ML, coefficients=[1.0, 2, -1],
                                                    intercepts=[0.0], classlabels_ints=[0, 1], post_transform=after),
                                              _node("Identity", "y", "o")], {}) for after in ("NONE", "SOFTMAX")},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_change_an_order_is_refused(name):
    nodes, given = REFUSED[name]
    with pytest.raises(UnreadableError):
        read(_model(nodes, **given))


def _claim(label):
    return {"kind": "robust", "input": ["0", "1", "0", "1"], "eps": "1/10", "norm": "linf", "label": label,
            "target": None, "low": None, "high": None}


def test_a_nested_sigmoid_has_no_threshold():
    nested = _model([_node("Sigmoid", "z", "p"), _node("Sigmoid", "p", "y")], classes=1)
    with pytest.raises(UnreadableError, match="does not fit the network"):
        read_claim(_claim(0), read(nested).network, None)


def test_a_query_speaks_of_the_numbers_in_the_file():
    query = b"".join(b"(declare-const %s Real)" % n for n in (b"X_0", b"X_1", b"X_2", b"X_3", b"Y_0", b"Y_1"))
    for name in ("one probability", "text"):
        nodes, given = HEADS[name]
        network = read(_model(nodes, **given)).network
        assert read_claim(_claim(1), network, None).disjuncts
        with pytest.raises(UnreadableError, match="numbers of the file"):
            read_claim({"kind": "unsat"}, network, query + b"(assert (<= Y_0 Y_1))")


def test_the_second_look_sees_heads_that_are_read_wrongly():
    """Labels in another order, a complement left out, a norm of another kind: each differs at some point."""
    import dataclasses

    for name, changed in (("text", {"labels": tuple(reversed(NAMES))}), ("norm L1", {"steps": ("Softmax", "L2")}),
                          ("sigmoids", {"steps": ("Softmax",)}), ("map", {"keys": tuple(reversed(NAMES))})):
        nodes, given = HEADS[name]
        reading = read(_model(nodes, **given))
        last = nodes[-1].output[0]
        tensor = reading.tensors[last]
        if "labels" in changed:
            wrong = dataclasses.replace(tensor, labels=changed["labels"])
        else:
            wrong = dataclasses.replace(tensor, head=dataclasses.replace(tensor.head, **changed))
        with pytest.raises(UnreadableError, match="was read as"):
            second_look.look(dataclasses.replace(reading, tensors={**reading.tensors, last: wrong}), [])


def test_nodes_in_any_order():
    data = _model([_node("Relu", "z", "r"), _node("Softmax", "r", "y")])
    model = onnx.load_model_from_string(data)
    nodes = list(model.graph.node)
    for order in ((2, 1, 0), (1, 2, 0), (0, 2, 1)):
        del model.graph.node[:]
        model.graph.node.extend(nodes[k] for k in order)
        reading = read(model.SerializeToString())
        assert [n.op_type for n in reading.model.graph.node] == ["Gemm", "Relu", "Softmax"]
    model.graph.node[0].input[0] = "y"
    with pytest.raises(UnreadableError, match="circle"):
        read(model.SerializeToString())
