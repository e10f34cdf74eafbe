"""Random tensors of these tests are the same in every run and every order."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_random_tensors() -> None:
    torch.manual_seed(0)
