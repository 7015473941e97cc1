"""Models in memory: converted faithfully or refused, with the names of features and classes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import verdict
from verdict.ask import convert
from verdict.ask.convert.faithful import compare
from verdict.network.names import Names

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("skl2onnx")

FEATURES = ["age", "mean radius", "x", "2nd"]


@pytest.fixture(scope="module")
def fitted():
    """A pipeline with names of features and classes; the class is told by the first feature."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X = np.random.default_rng(0).normal(30, 10, (60, 4))
    network = MLPClassifier((4,), max_iter=60, tol=1, learning_rate_init=0.1, random_state=0)
    model = make_pipeline(StandardScaler(), network)
    model.fit(X, np.where(X[:, 0] > 30, "malignant", "benign"))
    return model


@pytest.fixture(scope="module")
def network(fitted):
    return verdict.load(fitted, features=FEATURES)


def test_the_file_predicts_what_the_estimator_predicts(fitted, network):
    points = np.random.default_rng(1).normal(30, 20, (20, 4)).astype(np.float32)
    ours = [network.classes[int(np.argmax(network.runtime(point)))] for point in points]
    assert ours == fitted.predict(points).tolist()
    assert network.classes == ("benign", "malignant")
    assert network.inputs[0].dtype == "float32"
    assert "skl2onnx" in network.names.origin
    assert "in float32" in repr(network)


def test_an_example_of_float64_gives_a_network_of_float64(fitted):
    assert verdict.load(fitted, example=np.full((2, 4), 30.0)).inputs[0].dtype == "float64"


def test_names_in_formulas_labels_and_answers(network):
    x = [40, 30, 30, 30]
    answer = verdict.robust(network, x, "0.5", given='(age >= 39.8) & (x["mean radius"] <= 31)', label="malignant")
    assert (answer.status, answer.label) == ("robust", 1)
    assert "class malignant" in repr(answer)
    assert json.loads(answer.statement("json"))["models"][0]["origin"] == network.names.origin
    assert verdict.robust(network, x, 20, target="benign").target == 0
    # A name that is a word of the vocabulary is known in brackets alone.
    named = '(x["x"] >= 30) & (x[2] >= 30) & (mean_radius >= 30)'
    assert verdict.robust(network, x, "0.5", given=named).status == "robust"
    with pytest.raises(verdict.InputError, match=r"expected one of the classes benign, malignant"):
        verdict.robust(network, x, "0.5", label="bad")
    with pytest.raises(verdict.PropertyError, match=r"no entry 'height', expected one of age, mean radius"):
        verdict.robust(network, x, "0.5", given='x["height"] >= 3')
    x_, y_ = verdict.variables(network)
    assert verdict.prove(network, that=y_["benign"] - y_["malignant"] <= y_[0] - y_[1],
                         given=(x_ >= 29) & (x_ <= 30) & (x_["age"] <= 30)).status == "robust"


def test_a_question_about_it_is_stored_and_its_file_is_asked_again(fitted, tmp_path: Path):
    network = verdict.load(fitted)
    question = verdict.Question.of("robust", [network], [40, 30, 30, 30], eps="0.5", label="malignant")
    saved = network.save(tmp_path / "m.onnx")
    again = verdict.Question.of("robust", [tmp_path / "m.onnx"], [40, 30, 30, 30], eps="0.5", label="malignant")
    assert question.key == again.key
    assert question.to_json()["models"][0]["sha256"] == saved.sha256
    assert verdict.load(saved.path).classes == network.classes
    assert verdict.ask(verdict.Question.from_json(json.loads(json.dumps(again.to_json())))).status == "robust"
    (tmp_path / "other").write_bytes(b"kept")
    with pytest.raises(verdict.InputError, match="another file"):
        network.save(tmp_path / "other")
    # Names that are given at the conversion are in the file, those that are given to a file go with the question.
    with_features = verdict.load(fitted, features=FEATURES).save(tmp_path / "n.onnx")
    assert verdict.load(with_features.path).features == tuple(FEATURES)
    named = verdict.Question.of("robust", [verdict.load(saved.path, features=FEATURES)], [40, 30, 30, 30], eps="0.5",
                                given="age >= 40")
    assert verdict.ask(verdict.Question.from_json(named.to_json())).status == "robust"


def test_a_certificate_has_the_file_beside_it(fitted, tmp_path: Path):
    network, place = verdict.load(fitted), tmp_path / "c.vcert"
    answer = verdict.robust(network, [40, 30, 30, 30], "0.5", certificate=place)
    assert answer.certificate.accepted
    assert answer.certificate.network == tmp_path / "c.vcert.onnx"
    assert answer.certificate.network.read_bytes() == network.data
    assert verdict.check(place, network).accepted
    assert network.sha256 in answer.statement()
    assert "skl2onnx" in answer.statement()


def test_numbers_as_names_of_classes_are_not_confused():
    names = Names(classes=("1", "2", "3"))
    assert names.number("1", "label") == 0
    for label in (1, "0"):
        with pytest.raises(verdict.InputError, match="expected one of the classes 1, 2, 3"):
            names.number(label, "label")
    assert Names(classes=("0", "1")).number(1, "label") == 1
    assert Names(classes=("a", "b")).number("1", "label") == "1"


def test_bytes_and_protos_are_taken_everywhere(tmp_path: Path):
    path = verdict.load("xor").path
    proto, data = onnx.load(path), path.read_bytes()
    assert verdict.load(data).sha256 == verdict.load(path).sha256
    assert verdict.robust(proto, [0, 1], "0.2", range=(0, 1)).status == "robust"
    assert len(verdict.variables(proto)[0]) == 2
    assert float(verdict.maxdelta(proto, data, verdict.region(proto, [0, 1], "0.1", range=(0, 1))).upper) == 0
    for nothing in (3, np.zeros(2), object()):
        with pytest.raises(verdict.InputError, match=r"expected an ONNX file, a shipped model's name, or a model of"):
            verdict.robust(nothing, [0, 1], "0.2")


def test_refusals_are_one_line(fitted, monkeypatch: pytest.MonkeyPatch):
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    with pytest.raises(verdict.ModelError, match="is not fitted"):
        verdict.load(LogisticRegression())
    with pytest.raises(verdict.UnsupportedError, match="TreeEnsembleClassifier"):
        verdict.load(DecisionTreeClassifier().fit([[0], [1]], [0, 1]))
    with pytest.raises(verdict.ModelError, match="2 names of features, expected one for each of 4"):
        verdict.load(fitted, features=["a", "b"])
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(verdict.InputError, match=r"Pipeline of scikit-learn .*: pip install 'verdict-nn\[sklearn\]'$"):
        verdict.load(fitted)


def test_what_is_not_the_model_is_refused():
    theirs = np.array([[0.1, 0.9], [0.8, 0.2]])
    compare(Path("m.onnx"), theirs, theirs + 1e-6, "a probability")
    for ours in (theirs + 0.01, theirs * np.nan, theirs[:, :1]):
        with pytest.raises(verdict.ModelError):
            compare(Path("m.onnx"), theirs, ours, "a probability")


def test_an_unfaithful_conversion_is_refused(fitted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(fitted), "predict_proba", lambda self, X: np.tile([0.25, 0.75], (len(X), 1)))
    with pytest.raises(verdict.ModelError, match="the converted model is not the model: a probability differs"):
        verdict.load(fitted)


def test_regressors_and_scores_of_two_classes():
    from sklearn.linear_model import LinearRegression
    from sklearn.svm import LinearSVC

    X = np.random.default_rng(0).normal(size=(30, 2))
    assert verdict.load(LinearRegression().fit(X, X[:, 0])).output_size == 1
    assert verdict.robust(LinearSVC().fit(X, np.where(X[:, 0] > 0, 7, 3)), [3, 0], "0.1", label="7").status == "robust"


def test_columns_by_their_names_are_columns_of_the_one_input():
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    X = pandas.DataFrame(np.random.default_rng(0).normal(30, 10, (40, 3)), columns=["age", "size", "other"])
    y = X["size"] - X["age"] > 0
    columns = make_column_transformer((StandardScaler(), ["size"]), ("passthrough", ["age"]))
    network = verdict.load(make_pipeline(columns, LogisticRegression()).fit(X, y))
    assert network.features == ("age", "size", "other")
    found = verdict.maxeps(network, [30, 50, 1000], scales=[1, 1, 10**6])
    assert found.witness is not None
    assert found.upper < 30  # the column that is dropped moves by millions and changes nothing
    coded = make_column_transformer((OneHotEncoder(), ["age"]), (StandardScaler(), ["size"]))
    X["age"] = X["age"].round(-1)
    with pytest.raises(verdict.ModelError, match="Pipeline: OneHotEncoder reads categories, expected numbers alone"):
        verdict.load(make_pipeline(coded, LogisticRegression()).fit(X, y))
    with pytest.raises(verdict.ModelError, match="ColumnTransformer: predicts nothing"):
        verdict.load(columns.fit(X))


def test_malformed_metadata_is_refused():
    model = onnx.load(verdict.load("xor").path)
    for said in ('"age"', "[1, 2]", "{", '["a"]'):
        onnx.helper.set_model_props(model, {"verdict.features": said})
        with pytest.raises(verdict.ModelError, match="features"):
            verdict.load(model)


def test_a_torch_module_with_an_example():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(4, 2))
    assert verdict.robust(model, [0.1, 0.2, 0.3], 0).status == "robust"
    assert model.training
    network = verdict.load(model, example=torch.zeros(1, 3), classes=["a", "b"])
    assert network.classes == ("a", "b")
    with pytest.raises(verdict.InputError, match="needs an example"):
        verdict.load(model)
    assert not convert.is_known(model.state_dict())


def test_a_keras_model():
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "softmax")])
    assert verdict.robust(model, [0.1, 0.2, 0.3], 0).status == "robust"
