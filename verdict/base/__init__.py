"""What everything stands on: the clock, the memory budget, numbers, devices, files, errors."""
