"""Questions about more than one plain network, as one ONNX file: two copies, two networks, a network behind a map."""

from .composer import Composer

__all__ = ["Composer"]
