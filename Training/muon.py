"""Muon in single precision, its matrix work divided among the ranks."""

import torch
import torch.distributed as dist


def orthogonalised(matrix, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon:
    """Momentum, orthogonalised; the step size matches AdamW's (0.2 RMS)."""

    def __init__(self, parameters, rank=0, world=1, momentum=0.95, weight_decay=0.02):
        self.parameters = list(parameters)
        self.momentum, self.weight_decay = momentum, weight_decay
        self.buffers = [torch.zeros_like(p) for p in self.parameters]
        by_work = sorted(range(len(self.parameters)), key=lambda i: -self.parameters[i].numel())
        self.mine, self.world = set(by_work[rank::world]), world
        self.flat = torch.zeros(sum(p.numel() for p in self.parameters))

    @torch.no_grad()
    def step(self, rate):
        """One update from the parameters' gradients at learning rate `rate`."""
        self.flat.zero_()
        offset = 0
        for i, (p, buffer) in enumerate(zip(self.parameters, self.buffers)):
            buffer.lerp_(p.grad, 1 - self.momentum)
            if i in self.mine:
                update = orthogonalised(p.grad.lerp(buffer, self.momentum))
                self.flat[offset:offset + p.numel()] = update.flatten()
            offset += p.numel()
        if self.world > 1:
            dist.all_reduce(self.flat)
        offset = 0
        for p in self.parameters:
            update = self.flat[offset:offset + p.numel()].view_as(p)
            p.mul_(1 - rate * self.weight_decay)
            p.add_(update, alpha=-rate * 0.2 * max(p.shape) ** 0.5)
            offset += p.numel()
