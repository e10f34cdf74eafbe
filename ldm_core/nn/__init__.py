"""Networks: tensors in, tensors out. State-dict names equal the published checkpoints'."""
