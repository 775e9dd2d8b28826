"""The Keras emitter and its templates."""
