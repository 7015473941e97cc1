"""The two ways in which a certificate is not accepted, and where an arithmetic ends."""


class UnreadableError(Exception):
    """A file is damaged, hostile, of an unknown version, or uses something that the checker does not read."""


class OutOfTimeError(UnreadableError):
    """The time that was given is over: nothing is known."""


class RejectedError(Exception):
    """The files were read, and what they hold is not a proof of the claim."""


class OutOfRangeError(ArithmeticError):
    """Numbers too large for an arithmetic: nothing is known."""
