"""A small student learns from a teacher's softened answers; the teacher is trained first and then only asked."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
train, test = slice(0, 1200), slice(1200, None)

teacher = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
student = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))


def accuracy(net):
    net.eval()
    with torch.no_grad():
        return (net(x[test]).argmax(1) == y[test]).float().mean().item()


optimizer = torch.optim.Adam(teacher.parameters(), lr=1e-3)
for epoch in range(15):
    for i in torch.randperm(1200).split(40):
        loss = F.cross_entropy(teacher(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print("teacher", accuracy(teacher))

T = 4.0
kl = nn.KLDivLoss(reduction="batchmean")
optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
for epoch in range(25):
    student.train()
    for i in torch.randperm(1200).split(40):
        with torch.no_grad():
            soft = F.softmax(teacher(x[i]) / T, dim=1)
        logits = student(x[i])
        loss = 0.9 * T * T * kl(F.log_softmax(logits / T, dim=1), soft) + 0.1 * F.cross_entropy(logits, y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print("student", accuracy(student))
