"""From a SearchGraph to program text, one folder for each framework."""
