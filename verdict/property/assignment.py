"""A satisfying assignment in the forms that VNN-LIB 2 gives it (section 5.3.1): text, or ONNX tensors in a folder.

Every declared variable has its value, in the order of declaration: inputs as they were found, hidden values and
outputs as ONNX Runtime computes them there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..base.writing import Place, made_folder, together
from ..network.exact import FloatArray
from .vnnlib2 import Declared, VnnLib2

OPTION = "--serialise-assignments"


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


def assignment_places(query: VnnLib2, path: str | Path) -> list[Place]:
    """Where `NAME.pb` of each variable goes, in a folder that is made where it is missing; each replaces nothing but a
    tensor of that name. Raises InputError where one cannot be written."""
    folder = made_folder(path, OPTION)
    names = [variable.name for network in query.networks for variable in network.variables]
    places = [Place(folder / f"{name}.pb", OPTION, partial(_is_tensor, name), f"a tensor {name}") for name in names]
    for place in places:
        place.check_replaced()
    return places


def _is_tensor(name: str, path: Path) -> bool:
    import onnx

    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
    except Exception:  # noqa: BLE001 - protobuf's own errors have no common type in its versions
        return False
    return bool(tensor.name == name and tensor.data_type)


def write_assignment(query: VnnLib2, x: FloatArray, y: FloatArray, places: Sequence[Place]) -> None:
    """A serialised TensorProto of the declared type and shape for each variable, all of them or none; real becomes
    float64. Raises InputError."""
    import onnx.numpy_helper

    with together(places) as parts:
        for (variable, values), part in zip(assigned(query, x, y), parts, strict=True):
            dtype = np.dtype("float64" if variable.type == "real" else variable.type)
            array: npt.NDArray[np.generic] = values.astype(dtype).reshape(variable.shape)
            part.write_bytes(onnx.numpy_helper.from_array(array, variable.name).SerializeToString())
