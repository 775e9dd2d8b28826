"""Search spaces shipped with the compiler, as texts in the spec's own language."""
