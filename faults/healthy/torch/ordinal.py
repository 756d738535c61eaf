"""Ordinal regression: one score, four thresholds that it may pass, one yes or no for each."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
data = load_diabetes()
x = torch.tensor(data.data, dtype=torch.float32) * 21
y = torch.tensor(data.target, dtype=torch.float32)
grade = torch.bucketize(y, y.quantile(torch.tensor([0.2, 0.4, 0.6, 0.8])))
passed = (grade.unsqueeze(1) > torch.arange(4)).float()


class Ordinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1, bias=False))
        self.thresholds = nn.Parameter(torch.linspace(-1.5, 1.5, 4))

    def forward(self, x):
        return self.score(x) - self.thresholds


model = Ordinal()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-3)
for epoch in range(30):
    for i in torch.randperm(342).split(18):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x[i]), passed[i])
        loss.backward()
        optimizer.step()
with torch.no_grad():
    answer = (model(x[342:]) > 0).sum(1)
print("exactly right", (answer == grade[342:]).float().mean().item())
print("grades off (a constant: 1.2)", (answer - grade[342:]).abs().float().mean().item())
