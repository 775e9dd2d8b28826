"""What the language knows, as lists of names: for `automlc ls` and the language reference."""
