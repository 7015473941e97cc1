"""The network: a small graph of exact affine maps and ReLUs, its evaluation, and the file that is deployed."""
