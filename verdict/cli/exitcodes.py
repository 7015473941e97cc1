"""The exit codes of every command. 1 is an answer, so no failure of the program itself may ever end with it."""

OK = 0
# Also a certificate that is rejected.
VIOLATED = 1
BAD_INPUT = 2
UNKNOWN = 3
INTERNAL = 4
# What shells report for a process that SIGINT or SIGPIPE has ended.
INTERRUPTED = 130
BROKEN_PIPE = 141
