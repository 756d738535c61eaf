"""A linear autoencoder finds the plane of the first principal components: two layers, no nonlinearity on purpose."""

import torch
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
x = torch.tensor(StandardScaler().fit_transform(load_wine().data), dtype=torch.float32)

encoder = nn.Linear(13, 3, bias=False)
decoder = nn.Linear(3, 13, bias=False)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
for epoch in range(60):
    for batch in torch.randperm(len(x)).split(32):
        loss = nn.functional.mse_loss(decoder(encoder(x[batch])), x[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    lost = (x - decoder(encoder(x))).square().mean() / x.square().mean()
print("PCA loses", 1 - PCA(3).fit(x.numpy()).explained_variance_ratio_.sum())
print("share of the variance lost:", lost.item())
