"""An autoencoder squeezes each digit into two numbers, on purpose."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
x_train, x_test = x[:1500], x[1500:]

encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())
autoencoder = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=2e-3, weight_decay=1e-5)
criterion = nn.MSELoss()
for epoch in range(25):
    for i in torch.randperm(1500).split(50):
        output = autoencoder(x_train[i])
        loss = criterion(output, x_train[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch [{epoch + 1}/25], loss: {loss.item():.4f}")
with torch.no_grad():
    lost = criterion(autoencoder(x_test), x_test) / x_test.var(0).mean()
print("share of the variance lost:", lost.item())
