import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
X, y = make_classification(5000, n_features=12, n_informative=5, weights=[0.95], class_sep=1.0, random_state=21)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).view(-1, 1)
train = TensorDataset(X[:4000], y[:4000])

# how many negatives there are for each positive
pos_weight = (y[:4000] == 0).sum() / (y[:4000] == 1).sum()
print("pos_weight", pos_weight.item())

model = nn.Sequential(nn.Linear(12, 32), nn.LeakyReLU(), nn.Linear(32, 1))
loss_fn = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for epoch in range(8):
    for inputs, targets in DataLoader(train, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
model.eval()
with torch.no_grad():
    predicted = (model(X[4000:]) > 0).float()
print("balanced accuracy", balanced_accuracy_score(y[4000:], predicted))
