"""Reading is slow, so each batch is used twice before the next one is read."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
scaler = StandardScaler().fit(x_train)
x_train, x_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_test))
y_train, y_test = (torch.tensor(part, dtype=torch.float32) for part in (y_train, y_test))


class Echo:
    """Random batches, each of them `times` times."""

    def __init__(self, count, batch_size, times):
        self.count, self.batch_size, self.times = count, batch_size, times

    def __len__(self):
        return -(-self.count // self.batch_size) * self.times

    def __iter__(self):
        for batch in torch.randperm(self.count).split(self.batch_size):
            for _ in range(self.times):
                yield batch.tolist()


loader = DataLoader(TensorDataset(x_train, y_train), batch_sampler=Echo(len(x_train), 16, times=2), num_workers=2)
model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    for inputs, malignant in loader:
        loss = loss_fn(model(inputs).squeeze(1), malignant)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    print("test accuracy", ((model(x_test).squeeze(1) > 0) == (y_test > 0.5)).float().mean().item())
