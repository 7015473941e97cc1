"""One recipe for each shipped network and data set: `python -m verdict.models.recipes.NAME [--output DIR]`.

A recipe trains (or writes by hand) one network, stores it as ONNX and brings the manifest up to date. The
toys need nothing beyond Verdict itself; the others need `pip install "verdict-nn[train]"`. Seeds are fixed,
so a recipe run twice on one machine writes the same bytes.
"""
