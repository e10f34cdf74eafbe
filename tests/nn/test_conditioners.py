"""Condition encoders beyond the fixtures, and conditions themselves."""

import pytest
import torch

from ldm_core.nn.build import build_module
from ldm_core.nn.conditioners import SpatialRescaler, WordConditioner
from ldm_core.nn.conditioning import Conditioning, cat
from tests.golden.fixtures import TOLERANCE, fill, read_network


@torch.no_grad()
def test_word_conditioner_is_the_papers_transformer_and_its_first_state_is_y() -> None:
    fixture = read_network("bert_embedder")
    params = {"vocabulary_size": 64, "n_embed": 48, "n_layer": 2, "max_seq_len": 12}
    conditioner = build_module({"target": "ldm_core.nn.conditioners.WordConditioner", "params": params})
    assert isinstance(conditioner, WordConditioner)
    reference = fill(build_module(fixture.config)).state_dict()
    weights = {f"transformer.{key}": tensor for key, tensor in reference.items() if "to_logits" not in key}
    conditioner.load_state_dict(weights)
    condition = conditioner.encode_ids(fixture.tensors["ids"])
    assert (condition.context - fixture.tensors["out"]).abs().max().item() <= TOLERANCE
    assert torch.equal(condition.y, condition.context[:, 0])
    assert condition.concat is None


@torch.no_grad()
def test_transformer_embedder_has_the_keys_and_results_of_the_bert_embedder() -> None:
    fixture = read_network("bert_embedder")
    params = {"n_embed": 48, "n_layer": 2, "vocab_size": 64, "max_seq_len": 12}
    embedder = fill(build_module({"target": "ldm.modules.encoders.modules.TransformerEmbedder", "params": params}))
    assert (embedder(fixture.tensors["ids"]) - fixture.tensors["out"]).abs().max().item() <= TOLERANCE


def test_too_many_tokens_are_refused() -> None:
    embedder = build_module(
        {"target": "WordConditioner", "params": dict(vocabulary_size=4, n_embed=8, n_layer=1, max_seq_len=3)}
    )
    with pytest.raises(ValueError, match="4 tokens; this encoder takes at most 3"):
        embedder(torch.zeros(1, 4, dtype=torch.long))


def test_new_transformer_starts_with_small_embeddings() -> None:
    params = {"n_embed": 64, "n_layer": 1, "vocab_size": 500, "max_seq_len": 64}
    transformer = build_module({"target": "BERTEmbedder", "params": params}).transformer
    for table in (transformer.token_emb, transformer.pos_emb.emb):
        assert table.weight.std().item() == pytest.approx(0.02, rel=0.1)


@torch.no_grad()
def test_nearest_rescaler_takes_every_other_pixel_and_mixes_channels() -> None:
    rescaler = fill(SpatialRescaler(n_stages=2, method="nearest", in_channels=3, out_channels=2, bias=True))
    x = torch.randn(2, 3, 16, 12)
    mapper = rescaler.channel_mapper
    expected = torch.einsum("oc,bchw->bohw", mapper.weight[:, :, 0, 0], x[:, :, ::4, ::4]) + mapper.bias.view(2, 1, 1)
    torch.testing.assert_close(rescaler(x), expected)
    torch.testing.assert_close(rescaler.encode(x), expected)


def test_rescaler_enlarges_by_its_multiplier_and_knows_its_methods() -> None:
    x = torch.randn(1, 3, 4, 6)
    area = SpatialRescaler(method="area")
    torch.testing.assert_close(area(x), x.view(1, 3, 2, 2, 3, 2).mean((3, 5)))
    assert SpatialRescaler(multiplier=2.0, method="bicubic")(x).shape == (1, 3, 8, 12)
    assert list(area.state_dict()) == []
    with pytest.raises(ValueError, match="method is 'sharp'"):
        SpatialRescaler(method="sharp")


def test_conditions_are_joined_along_the_batch_in_order() -> None:
    one = Conditioning(context=torch.zeros(1, 2, 3), concat=torch.zeros(1, 4, 8, 8))
    two = Conditioning(context=torch.ones(2, 2, 3), concat=torch.ones(2, 4, 8, 8))
    joined = cat([one, two])
    assert joined.context[:, 0, 0].tolist() == [0, 1, 1]
    assert joined.concat[:, 0, 0, 0].tolist() == [0, 1, 1]
    assert joined.y is None


def test_conditions_of_different_kinds_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="some of the conditions have y"):
        cat([Conditioning(y=torch.zeros(1)), Conditioning()])
    with pytest.raises(ValueError, match="no conditions"):
        cat([])
