"""The randomness rule: each picture draws from its own CPU generator, start noise first."""

import pytest
import torch

from ldm_core.diffusion.noise import ImageNoise

SHAPE = (4, 8, 8)


def test_start_noise_of_seed_42_is_what_everybody_knows() -> None:
    # the first numbers of torch.manual_seed(42); torch.randn(...), as printed all over the web
    first = ImageNoise([42], SHAPE).start()
    assert first.shape == (1, *SHAPE)
    assert first.dtype == torch.float32
    torch.testing.assert_close(first.flatten()[:3], torch.tensor([1.9269, 1.4873, 0.9007]), rtol=0, atol=5e-5)


def test_draws_are_those_of_one_generator_for_each_picture_in_order() -> None:
    noise = ImageNoise([7, 8], SHAPE)
    drawn = [noise.start(), noise(), noise()]
    for picture, seed in enumerate([7, 8]):
        generator = torch.Generator("cpu").manual_seed(seed)
        for batch in drawn:
            assert torch.equal(batch[picture], torch.randn(SHAPE, generator=generator))


def test_noise_in_a_batch_of_4_is_bit_for_bit_that_of_the_single_picture() -> None:
    seeds = [123, 124, 125, 126]
    batch = ImageNoise(seeds, SHAPE)
    singles = [ImageNoise([seed], SHAPE) for seed in seeds]
    assert torch.equal(batch.start(), torch.cat([single.start() for single in singles]))
    for _ in range(5):
        assert torch.equal(batch(), torch.cat([single() for single in singles]))


def test_other_users_of_chance_neither_change_the_noise_nor_notice_it() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = ImageNoise([5], SHAPE).start()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(ImageNoise([5], SHAPE).start(), first)


def test_the_largest_seed_has_room_for_a_whole_job() -> None:
    noise = ImageNoise([2**63 - 1 + picture for picture in range(3)], SHAPE).start()
    assert not torch.equal(noise[0], noise[1])
    assert not torch.equal(noise[1], noise[2])


def test_the_start_noise_is_the_first_draw_and_there_is_one() -> None:
    noise = ImageNoise([0], SHAPE)
    with pytest.raises(RuntimeError, match="first"):
        noise()
    noise.start()
    with pytest.raises(RuntimeError, match="first"):
        noise.start()
    with pytest.raises(ValueError, match="seed"):
        ImageNoise([], SHAPE)
