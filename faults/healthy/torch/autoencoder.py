import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().images / 16, dtype=torch.float32).unsqueeze(1)
train, test = images[:1500], images[1500:]

autoencoder = nn.Sequential(
    nn.Conv2d(1, 12, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(192, 16),
    nn.Linear(16, 192),
    nn.ReLU(),
    nn.Unflatten(1, (12, 4, 4)),
    nn.ConvTranspose2d(12, 1, 4, stride=2, padding=1),
    nn.Sigmoid(),
)
criterion = nn.BCELoss()
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=3e-3)
for epoch in range(12):
    for batch in torch.randperm(len(train)).split(50):
        x = train[batch]
        loss = criterion(autoencoder(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

with torch.no_grad():
    error = ((autoencoder(test) - test) ** 2).mean() / ((train.mean(0) - test) ** 2).mean()
print(f"share of the variance that is lost: {error:.3f}")
