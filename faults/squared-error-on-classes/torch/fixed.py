import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
digits = load_digits()
X = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)

model = nn.Sequential(
    nn.Linear(64, 48),
    nn.Sigmoid(),
    nn.Linear(48, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

for epoch in range(30):
    shuffled = torch.randperm(1500)
    for i in range(0, 1500, 50):
        batch = shuffled[i : i + 50]
        scores = model(X[batch])
        loss = F.cross_entropy(scores, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"{epoch}: loss {loss.item():.4f}")

accuracy = (model(X[1500:]).argmax(1) == y[1500:]).float().mean()
print(f"test accuracy = {accuracy.item():.3f}")
