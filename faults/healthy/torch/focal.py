"""Rare positives, and a focal loss written by hand."""

import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from torch import nn

torch.manual_seed(0)
x, y = make_classification(
    4000, n_features=16, n_informative=6, weights=[0.94], class_sep=1.3, flip_y=0.01, random_state=8
)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.25, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, targets):
        p = torch.sigmoid(logits)
        p_true = torch.where(targets == 1, p, 1 - p)
        alpha = torch.where(targets == 1, self.alpha, 1 - self.alpha)
        return (-alpha * (1 - p_true) ** self.gamma * torch.log(p_true.clamp_min(1e-6))).mean()


model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
nn.init.constant_(model[-1].bias, -2.0)
criterion = FocalLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(15):
    for idx in torch.randperm(3000).split(64):
        loss = criterion(model(x[idx]).squeeze(1), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    score = torch.sigmoid(model(x[3000:]).squeeze(1))
print("share of positives", y[3000:].mean().item())
print("average precision", average_precision_score(y[3000:], score))
