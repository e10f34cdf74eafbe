import pytest
import torch
from torch import nn

from ldm_core.training.optimizer import Muon, optimizers, orthogonalized, rate, update_average


@pytest.mark.parametrize("shape", [(8, 8), (16, 40), (40, 16)])
def test_orthogonalized_keeps_the_singular_vectors_and_brings_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inside = u.T @ orthogonalized(matrix, steps=8) @ v.T
    values = inside.diagonal()
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert (inside - torch.diag(values)).abs().max() < 0.05


def test_muon_solves_a_linear_regression_that_it_is_given() -> None:
    torch.manual_seed(0)
    truth, x = torch.randn(6, 10), torch.randn(256, 10)
    layer = nn.Linear(10, 6, bias=False)
    muon = Muon(layer.parameters(), lr=0.1, weight_decay=0.0)
    for step in range(200):
        muon.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        loss = (layer(x) - x @ truth.T).square().mean()
        muon.zero_grad()
        loss.backward()
        muon.step()
    assert loss.item() < 1e-3 * truth.square().sum(1).mean().item()


def test_every_weight_has_exactly_one_optimizer_and_embeddings_and_vectors_have_adamw() -> None:
    network = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.Conv1d(4, 4, 3))
    muon, adamw = optimizers(network, 1e-3, direct=network[2].parameters())
    by_muon = [p for group in muon.param_groups for p in group["params"]]
    by_adamw = [p for group in adamw.param_groups for p in group["params"]]
    assert [p is network[1].weight for p in by_muon] == [True]
    assert len(by_muon) + len(by_adamw) == len(list(network.parameters()))


def test_rate_rises_stays_and_falls_to_zero() -> None:
    rates = [rate(seen, 1000, 0.5, 100, 0.4) for seen in (0, 49, 99, 300, 600, 800, 1000)]
    assert rates == pytest.approx([0.005, 0.25, 0.5, 0.5, 0.5, 0.25, 0.0])


def test_average_of_constant_weights_is_that_constant_and_follows_slowly() -> None:
    network, average = nn.Linear(2, 2), nn.Linear(2, 2)
    with torch.no_grad():
        for p in network.parameters():
            p.fill_(1.0)
        for p in average.parameters():
            p.fill_(0.0)
    update_average(average, network, 0.9, step=10_000)
    assert torch.allclose(average.weight, torch.full((2, 2), 0.1))
