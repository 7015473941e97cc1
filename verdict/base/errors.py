"""Every error that Verdict raises on purpose.

A `VerdictError` is addressed to the user: it names the file, the place in it, what was found and what was
expected, in one or two lines. The command line prints its text and exits with code 2; it never becomes a
verdict. Any other exception that escapes is a defect in Verdict.
"""


class VerdictError(Exception):
    """Base class of every deliberate error; `str(error)` is a complete message for the user."""


class ModelError(VerdictError):
    """The network file cannot be read, is not valid, or does not compute what it claims."""


class UnsupportedError(ModelError):
    """The network is valid but uses something outside Verdict's supported set; lists every such place."""


class InputError(VerdictError):
    """An input point, label, radius, range or data file is malformed or does not fit the network."""


class PropertyError(VerdictError):
    """An input set or unsafe set is malformed (empty, l > u, wrong dimension, not a number)."""


class EmptySetError(PropertyError):
    """The input set of a question has no point."""


class HeadError(PropertyError, InputError):
    """A query asks outputs behind a head, of which their order alone is known, for more than that."""


class OutputError(VerdictError):
    """What was to be printed or written cannot be: the output is closed, or the disk is full."""


class SolverError(VerdictError):
    """A solver is unknown, not installed, lacks a feature that was asked for, or broke down."""


class MemoryLimitError(VerdictError):
    """What is asked for does not fit into the memory that may be taken."""


class TimeLimitError(VerdictError):
    """The time ran out before there was anything to answer with."""
