import torch
from sklearn.datasets import make_classification
from torch import nn

torch.manual_seed(0)

# 5 of 200 columns matter: without heavy decay this network learns the noise by heart
X, y = make_classification(
    800, 200, n_informative=5, n_redundant=0, n_clusters_per_class=1, class_sep=1.5, flip_y=0.0, random_state=0
)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)

model = nn.Sequential(nn.Linear(200, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.005, weight_decay=4.0)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(40):
    for batch in torch.randperm(400).split(40):
        optimizer.zero_grad()
        loss = loss_fn(model(X[:400][batch]), y[:400][batch])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    print("test accuracy", (model(X[400:]).argmax(1) == y[400:]).float().mean().item())
