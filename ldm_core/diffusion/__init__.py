"""The diffusion core: noise schedules, step spacings, denoisers, guidance, samplers and noise.

Samplers see latents in sigma space, `x = x0 + sigma * noise` (Karras et al. 2022, arXiv:2206.00364); networks see the
unit-variance form `x / sqrt(1 + sigma**2)` that they were trained on. `denoiser.Denoiser` stands between the two.

One picture, from noise to latent:

    sigmas = sigmas_for("trailing", schedule, steps)
    noise = ImageNoise([seed], (channels, height, width))
    denoise = cfg(Denoiser(unet, schedule, "v"), cond, uncond, scale)
    for index, x, x0 in steps("ddim", denoise, ve_from_vp(noise.start(), sigmas[0]), sigmas, noise):
        ...

`schedule`, `spacing`, `parameterization` and `samplers` import without torch, so that lists of names cost nothing.
"""
