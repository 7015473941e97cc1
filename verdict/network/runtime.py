"""ONNX Runtime on CPU: the deployed truth.

It replays witnesses and checks the importer. It rounds in float32 in an order of its own, so it can refute a
property of the deployed network but never prove one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.errors import ModelError
from .port import Port


class Runtime:
    """Runs a network's ONNX file, one point at a time (the file's batch axis may be fixed to 1): the bytes `data`,
    which lie at `path` or lay there when they were read."""

    def __init__(self, path: Path, data: bytes, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self.path, self.data, self.inputs, self.outputs = path, data, inputs, outputs

    @cached_property
    def _session(self) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        # One thread: the search uses the cores, and a replay must not depend on their number.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            # By path where weights may lie in files beside the model, by content where the file is another by now.
            # A path that is no UTF-8 is none that ONNX Runtime takes.
            named = str(self.path).isprintable()
            if named and self.path.is_file() and self.path.read_bytes() == self.data:
                return ort.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
            return ort.InferenceSession(self.data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            text = str(error).splitlines()[0]
            raise ModelError(f"{self.path}: ONNX Runtime cannot load it: {text}") from error

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Raw outputs, flattened and put one after another, for one flat input point; labels as positions."""
        feed, start = {}, 0
        for port in self.inputs:
            part = np.asarray(x).ravel()[start : start + port.size]
            feed[port.name] = part.astype(port.dtype).reshape(port.shape)
            start += port.size
        names = [port.name for port in self.outputs]
        try:
            results = self._session.run(names, feed)
        except Exception as error:
            text = str(error).splitlines()[0]
            raise ModelError(f"{self.path}: ONNX Runtime cannot run it: {text}") from error
        return np.concatenate([self._numbers(p, r) for p, r in zip(self.outputs, results, strict=True)])

    def _numbers(self, port: Port, result: Any) -> npt.NDArray[np.float64]:
        """One output as numbers: a label by the position of its class, a map's numbers in the order of its keys."""
        head = port.head
        if head is not None and head.keys is not None:
            (found,) = result
            result = [found[key] for key in head.keys]
        if head is None or head.labels is None:
            return np.asarray(result, dtype=np.float64).ravel()
        (label,) = np.asarray(result).ravel().tolist()
        if label not in head.labels:
            raise ModelError(f"{self.path}: ONNX Runtime gives the label {label!r}, which no class has")
        return np.array([float(head.labels.index(label))])
