import torch
import torch.nn as nn

torch.manual_seed(5)

BATCH = 192
Z = 4
STEPS = 1500

mix = torch.tensor([[0.8, 0.5], [-0.3, 0.6]])
centre = torch.tensor([1.0, -0.5])


def real_batch(n):
    """Banana-like cloud: a correlated gaussian, bent along its first axis."""
    u = torch.randn(n, 2)
    u[:, 1] = 0.5 * u[:, 1] + 0.5 * u[:, 0] ** 2 - 0.5
    return u @ mix.T + centre


def mlp(n_in, n_out):
    return nn.Sequential(
        nn.Linear(n_in, 48),
        nn.LeakyReLU(0.2),
        nn.Linear(48, 48),
        nn.LeakyReLU(0.2),
        nn.Linear(48, n_out),
    )


G = mlp(Z, 2)
D = mlp(2, 1)
bce = nn.BCEWithLogitsLoss()
opt_d = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.9))
opt_g = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.9))
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)


def sliced_wasserstein(a, b, n_proj=64):
    gen = torch.Generator().manual_seed(1)
    dirs = torch.randn(2, n_proj, generator=gen)
    dirs = dirs / dirs.norm(dim=0)
    pa, pb = (a @ dirs).sort(dim=0)[0], (b @ dirs).sort(dim=0)[0]
    return (pa - pb).abs().mean().item()


for step in range(STEPS):
    # discriminator
    x = real_batch(BATCH)
    fake = G(torch.randn(BATCH, Z)).detach()
    loss_d = bce(D(x), ones) + bce(D(fake), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    # generator
    fake = G(torch.randn(BATCH, Z))
    loss_g = bce(D(fake), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()

    if (step + 1) % 300 == 0:
        with torch.no_grad():
            w = sliced_wasserstein(G(torch.randn(1000, Z)), real_batch(1000))
        print(f"step {step + 1}: D {loss_d.item():.3f}  G {loss_g.item():.3f}  SW {w:.3f}")

with torch.no_grad():
    w = sliced_wasserstein(G(torch.randn(4000, Z)), real_batch(4000))
print(f"distance: {w:.4f}")
