"""The checker's own reading of ONNX files, with NumPy and ONNX's parser only.

An operator is read as the closed table of its file says: operator sets, inputs, attributes and their values, element
types. What is not in the table is refused by name. `table.py` has what a table is, `model.py` what a file may hold
besides operators, `reader.py` goes from operator to operator.
"""

from .reader import Reading, read, read_network
from .view import WHOLE, View

__all__ = ["WHOLE", "Reading", "View", "read", "read_network"]
