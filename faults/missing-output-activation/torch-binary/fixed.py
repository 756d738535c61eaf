import numpy as np
import torch
from torch import nn

torch.manual_seed(9)
rng = np.random.default_rng(9)

# is the point inside the ring?
xy = rng.uniform(-1, 1, size=(2000, 2)).astype(np.float32)
radius = np.hypot(xy[:, 0], xy[:, 1])
inside = ((radius > 0.35) & (radius < 0.8)).astype(np.float32)[:, None]
xy, inside = torch.from_numpy(xy), torch.from_numpy(inside)

ring = nn.Sequential()
ring.add_module("hidden1", nn.Linear(2, 40))
ring.add_module("relu1", nn.ReLU())
ring.add_module("hidden2", nn.Linear(40, 40))
ring.add_module("relu2", nn.ReLU())
ring.add_module("score", nn.Linear(40, 1))
ring.add_module("probability", nn.Sigmoid())

criterion = nn.BCELoss()
optimizer = torch.optim.Adam(ring.parameters(), lr=0.005)

for step in range(600):
    rows = torch.randint(0, 1600, (64,))
    loss = criterion(ring(xy[rows]), inside[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())

with torch.no_grad():
    guess = ring(xy[1600:]) > 0.5
    print("accuracy", (guess == (inside[1600:] > 0.5)).float().mean().item())
