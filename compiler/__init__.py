"""From a spec to a finished SearchGraph and its plan."""
