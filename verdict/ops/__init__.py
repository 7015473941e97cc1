"""The supported ONNX operators, one small file each (or one tight family): lowering to the primitives.

A file registers its functions with `@operator`; `lowering.operators()` finds them all. To add an operator,
add a file.
"""
