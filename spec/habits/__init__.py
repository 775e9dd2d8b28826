"""Statements of `.aml` files as other languages write them."""
