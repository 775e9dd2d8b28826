"""The PyTorch emitter and its templates."""
