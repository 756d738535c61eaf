"""Mean teacher: 40 labeled points, the rest must agree with a teacher that is the running average of the student."""

import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch import nn

torch.manual_seed(2)
x, y = make_moons(1400, noise=0.12, random_state=2)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
labeled, pool, held_out = torch.arange(40), torch.arange(40, 1000), torch.arange(1000, 1400)

student = nn.Sequential(
    nn.Linear(2, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 2)
)
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.requires_grad_(False)

optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
for step in range(600):
    student.train()
    teacher.train()
    few = labeled[torch.randint(40, (16,))]
    many = pool[torch.randint(len(pool), (64,))]
    supervised = F.cross_entropy(student(x[few]), y[few])
    with torch.no_grad():
        wanted = F.softmax(teacher(x[many] + 0.05 * torch.randn(64, 2)), dim=1)
    answer = F.softmax(student(x[many] + 0.05 * torch.randn(64, 2)), dim=1)
    consistency = F.mse_loss(answer, wanted)
    ramp = min(1.0, step / 200)
    loss = supervised + 5 * ramp * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for t, s in zip(teacher.parameters(), student.parameters()):
            t.lerp_(s, 0.02)

teacher.eval()
with torch.no_grad():
    right = teacher(x[held_out]).argmax(1) == y[held_out]
print("teacher accuracy:", right.float().mean().item())
