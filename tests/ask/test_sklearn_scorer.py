"""`RadiusScorer` in scikit-learn's own cross-validation: the scores are those of the tables."""

from __future__ import annotations

import numpy as np
import pytest

import verdict
from verdict.sklearn import RadiusScorer

pytest.importorskip("sklearn")
pytest.importorskip("skl2onnx")


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).normal(size=(24, 2))
    return X, np.where(X[:, 0] > 0, "right", "left")


def test_scores_in_cross_validation(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    X, y = data
    for eps, best in (("0.01", 1), (9, 0)):
        scorer = RadiusScorer(eps, most=1)
        assert cross_val_score(LogisticRegression(), X, y, cv=2, scoring=scorer, error_score="raise").max() == best


def test_the_score_is_that_of_the_table(data):
    from sklearn.linear_model import LogisticRegression

    X, y = data
    model = LogisticRegression().fit(X, y)
    scorer = RadiusScorer(most=3)
    # Of a linear model the radius is the margin over the sum of the weights.
    distances = np.abs(model.decision_function(X[:3])) / np.abs(model.coef_).sum()
    right = model.predict(X[:3]) == y[:3]
    assert scorer(model, X, y) == pytest.approx(float(np.mean(distances * right)), rel=1e-4)
    assert len(scorer.table) == 3
    assert RadiusScorer("0.01")(model, X[:0], y[:0]) == 0


def test_mistakes():
    for wrong in ({"most": 0}, {"most": True}, {"eps": -1}):
        with pytest.raises(verdict.InputError):
            RadiusScorer(**wrong)
