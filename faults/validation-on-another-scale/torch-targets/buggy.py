import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(2)
x, y = (torch.tensor(part, dtype=torch.float32) for part in load_diabetes(return_X_y=True))
shuffled = torch.randperm(len(x))
train, valid = shuffled[:340], shuffled[340:]
x = (x - x[train].mean(dim=0)) / x[train].std(dim=0)
y_train = (y[train] - y[train].mean()) / y[train].std()
y_valid = y[valid]

model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.005, weight_decay=0.1)


@torch.no_grad()
def validate():
    model.eval()
    answers = model(x[valid]).squeeze(1)
    return F.mse_loss(answers, y_valid).item()


for epoch in range(25):
    model.train()
    for rows in torch.randperm(len(train)).split(20):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x[train][rows]).squeeze(1), y_train[rows])
        loss.backward()
        optimizer.step()
    error = validate()
    print(f"epoch {epoch + 1}: training {loss.item():.3f}, validation {error:.3f}")
print("share of the variance explained", 1 - error / y_valid.var().item())
