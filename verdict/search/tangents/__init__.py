"""Branch and bound on smooth networks with many inputs: lines that climb, and neurons split at thresholds."""
