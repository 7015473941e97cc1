"""Many questions at once: cases, the processes that answer them, here or on a cluster, and the run that keeps them."""
