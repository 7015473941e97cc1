"""From the bytes of an ONNX file to a `Network`: read, check, lower every operator, compare with ONNX Runtime."""
