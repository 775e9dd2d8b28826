"""Data contracts: what the compiler knows of the data, one reader for each format."""
