import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

# damped pendulum: next state from angle, velocity and torque
state = rng.uniform(-2, 2, size=(3000, 2))
torque = rng.uniform(-1, 1, size=(3000, 1))
velocity = state[:, 1:] + 0.1 * (torque - np.sin(state[:, :1]) - 0.2 * state[:, 1:])
next_state = np.hstack([state[:, :1] + 0.1 * velocity, velocity])
inputs = torch.tensor(np.hstack([state, torque]), dtype=torch.float32)
targets = torch.tensor(next_state, dtype=torch.float32)

dynamics = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(dynamics.parameters(), lr=1e-3)

for epoch in range(10):
    for batch in torch.randperm(2500).split(50):
        prediction = dynamics(inputs[batch])
        loss = nn.functional.mse_loss(prediction, targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.5f}")

with torch.no_grad():
    rmse = nn.functional.mse_loss(dynamics(inputs[2500:]), targets[2500:]).sqrt()
print("test rmse", rmse.item())
