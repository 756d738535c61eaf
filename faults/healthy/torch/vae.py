import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.mu = nn.Linear(48, latent)
        self.logvar = nn.Linear(48, latent)
        self.fc3 = nn.Linear(latent, 48)
        self.fc4 = nn.Linear(48, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        std = torch.exp(0.5 * logvar)
        return self.decode(mu + std * torch.randn_like(std)), mu, logvar


def loss_function(reconstruction, x, mu, logvar):
    bce = F.binary_cross_entropy(reconstruction, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


torch.manual_seed(1)
data = torch.tensor(load_digits().data / 16, dtype=torch.float32)
train, test = data[:1500], data[1500:]
vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(20):
    total = 0
    for batch in torch.randperm(1500).split(50):
        x = train[batch]
        optimizer.zero_grad()
        reconstruction, mu, logvar = vae(x)
        loss = loss_function(reconstruction, x, mu, logvar)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print("====> Epoch: {} Average loss: {:.4f}".format(epoch, total / 1500))

with torch.no_grad():
    print("mean pixel of the data as a guess:", ((test - train.mean(0)) ** 2).mean().item())
    print("reconstruction error:", ((vae.decode(vae.encode(test)[0]) - test) ** 2).mean().item())
