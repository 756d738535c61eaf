import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
d = load_breast_cancer()
X = torch.tensor(StandardScaler().fit_transform(d.data), dtype=torch.float32)
y = torch.tensor(d.target, dtype=torch.float32)
w = torch.zeros(30, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
opt = torch.optim.SGD([w, b], lr=0.1)
for epoch in range(100):
    p = torch.sigmoid(X @ w + b)
    loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"accuracy: {((p > 0.5) == y.bool()).float().mean().item():.3f}")
