import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# movie genres from key words
rng = np.random.default_rng(0)
genres = rng.random((2400, 8)) < 0.25
words = rng.poisson(0.1 + genres @ (rng.random((8, 40)) < 0.15))
X, Y = torch.tensor(np.log1p(words), dtype=torch.float32), torch.tensor(genres, dtype=torch.float32)

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(10):
    for x, y in DataLoader(TensorDataset(X[:2000], Y[:2000]), batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}, loss {loss.item():.4f}")
with torch.no_grad():
    predicted = (model(X[2000:]) > 0).int()
print("F1", f1_score(Y[2000:].int(), predicted, average="micro"))
