"""The prompt language: text in, what a model is conditioned on out. Nothing here needs torch."""
