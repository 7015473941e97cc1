"""A satisfying assignment in the forms that VNN-LIB 2 gives it (section 5.3.1): text, or ONNX tensors in a folder.

Every declared variable has its value, in the order of declaration: inputs as they were found, hidden values and
outputs as ONNX Runtime computes them there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..network.exact import FloatArray
from .vnnlib2 import Declared, VnnLib2


def assigned(query: VnnLib2, x: FloatArray, y: FloatArray) -> Iterator[tuple[Declared, FloatArray]]:
    """Each declared variable with its flat values; x and y are inputs and outputs of the joint network."""
    inputs = x[[query.joint[i] for i in query.shared]]
    for network in query.networks:
        outputs = network.of_kind("output")
        hidden_from = sum(v.size for v in outputs)
        hidden_to = hidden_from + sum(v.size for v in network.of_kind("hidden"))
        parts = {"input": inputs, "output": y[:hidden_from], "hidden": y[hidden_from:hidden_to]}
        for variable in network.variables:
            yield variable, parts[variable.kind][: variable.size]
            parts[variable.kind] = parts[variable.kind][variable.size :]
        inputs, y = parts["input"], y[hidden_to:]


def assignment_text(query: VnnLib2, x: FloatArray, y: FloatArray) -> str:
    """`NAME TYPE [DIMENSIONS]` and the values, one a line, in as many digits as give them back exactly."""
    lines = []
    for variable, values in assigned(query, x, y):
        lines.append(f"{variable.name} {variable.type} {variable.dimensions}")
        whole = variable.type.startswith(("int", "uint"))
        lines += [repr(int(value)) if whole else repr(value) for value in values.tolist()]
    return "\n".join(lines)


def assignment_folder(path: str | Path) -> Path:
    """The folder, made where it is missing. Raises InputError where it cannot be written to."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".verdict"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{folder}: assignments cannot be written there: {error.strerror or error}") from error
    return folder


def write_assignment(query: VnnLib2, x: FloatArray, y: FloatArray, folder: Path) -> None:
    """`NAME.pb`, a serialised TensorProto of the declared type and shape, for each variable; real becomes float64."""
    import onnx.numpy_helper

    for variable, values in assigned(query, x, y):
        dtype = np.dtype("float64" if variable.type == "real" else variable.type)
        array: npt.NDArray[np.generic] = values.astype(dtype).reshape(variable.shape)
        tensor = onnx.numpy_helper.from_array(array, variable.name)
        (folder / f"{variable.name}.pb").write_bytes(tensor.SerializeToString())
