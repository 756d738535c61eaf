"""A sampler draws the rare class as often as the other two; in the test it is rare again."""

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

rng = np.random.default_rng(6)
torch.manual_seed(6)
label = rng.choice(3, 4000, p=[0.7, 0.27, 0.03])
angle = rng.uniform(0, 2 * np.pi, 4000)
radius = np.array([1.0, 2.0, 3.0])[label] + 0.25 * rng.normal(size=4000)
x = torch.tensor(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), dtype=torch.float32)
y = torch.tensor(label)
x_train, y_train, x_test, y_test = x[:3000], y[:3000], x[3000:], y[3000:]

weight = 1.0 / torch.bincount(y_train)
sampler = WeightedRandomSampler(weight[y_train], num_samples=3000, replacement=True)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=60, sampler=sampler)

model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(8):
    running = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"[{epoch + 1}] loss: {running / len(loader):.3f}")
with torch.no_grad():
    print("balanced accuracy", balanced_accuracy_score(y_test, model(x_test).argmax(1)))
