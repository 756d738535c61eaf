import torch
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

X, Y = make_multilabel_classification(n_samples=2400, n_features=30, n_classes=8, n_labels=2, random_state=0)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
Y = torch.tensor(Y, dtype=torch.float32)
torch.manual_seed(0)

model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 8))
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
