"""Training of first stages and diffusion models on the same `nn` and `diffusion` modules that draw pictures."""
