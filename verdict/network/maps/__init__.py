"""Linear maps, one storage scheme per file: the only linear layers that Verdict knows.

Every linear ONNX operator becomes one of these or a short chain of them. All share one interface, see
`base.LinearMap`.
"""

from .base import LinearMap
from .conv import Conv
from .dense import Dense
from .diagonal import Diagonal, identity
from .index import Index
from .sparse import Sparse, matrix_map
from .total import Total
from .transposed import Transposed

__all__ = ["Conv", "Dense", "Diagonal", "Index", "LinearMap", "Sparse", "Total", "Transposed", "identity", "matrix_map"]
