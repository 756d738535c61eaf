"""WGAN-GP: the gradient of the critic with respect to its input is part of the critic's loss."""

import torch
from torch import nn
from torch.autograd import grad

torch.manual_seed(1)


class Generator(nn.Module):
    def __init__(self, noise=2, hidden=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(noise, hidden),
            nn.LeakyReLU(0.1),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.1),
            nn.Linear(hidden, 1),
        )

    def forward(self, z):
        return self.net(z)


def wages(n):
    return torch.exp(0.5 * torch.randn(n, 1))


def penalty(critic, real, fake):
    share = torch.rand(len(real), 1)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = grad(critic(between).sum(), between, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


generator = Generator()
critic = nn.Sequential(nn.Linear(1, 48), nn.LeakyReLU(0.1), nn.Linear(48, 48), nn.LeakyReLU(0.1), nn.Linear(48, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
fade = [torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.02, total_iters=600) for opt in (opt_g, opt_c)]
for it in range(600):
    for _ in range(3):
        real, fake = wages(64), generator(torch.randn(64, 2)).detach()
        opt_c.zero_grad()
        critic_loss = critic(fake).mean() - critic(real).mean() + penalty(critic, real, fake)
        critic_loss.backward()
        opt_c.step()
    opt_g.zero_grad()
    generator_loss = -critic(generator(torch.randn(64, 2))).mean()
    generator_loss.backward()
    opt_g.step()
    for schedule in fade:
        schedule.step()

levels = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
with torch.no_grad():
    made, wanted = generator(torch.randn(4000, 2)).quantile(levels), wages(4000).quantile(levels)
print("made  ", made)
print("wanted", wanted)
print("mean error of the quantiles", (made - wanted).abs().mean().item())
