import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.nn import functional as F

torch.manual_seed(5)
points, side = make_moons(n_samples=800, noise=0.25, random_state=5)
points = torch.tensor(points, dtype=torch.float32)
side = torch.tensor(side, dtype=torch.float32)
train_p, train_s = points[:600], side[:600]
test_p, test_s = points[600:], side[600:]

net = nn.Sequential(
    nn.Linear(2, 32),
    nn.Tanh(),
    nn.Linear(32, 32),
    nn.Tanh(),
    nn.Linear(32, 1),
)
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.002)

step = 0
while step < 500:
    batch = torch.randint(0, 600, (50,))
    score = net(train_p[batch])[:, 0]
    loss = F.binary_cross_entropy_with_logits(score, train_s[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    if step % 100 == 0:
        print("step", step, "loss", loss.item())

with torch.no_grad():
    positive = net(test_p)[:, 0] > 0
print("accuracy", (positive == (test_s > 0.5)).float().mean().item())
