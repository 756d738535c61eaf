# fit the drag of a falling ball
import numpy as np
import torch

rng = np.random.default_rng(4)
torch.manual_seed(4)
speed, radius = rng.uniform(0, 3, 1500), rng.uniform(0.2, 1, 1500)
drag = 0.5 * radius**2 * speed**2 + 0.02 * rng.normal(size=1500)
x, y = torch.tensor(np.column_stack([speed, radius])).float(), torch.tensor(drag[:, None]).float()

model = torch.nn.Sequential(
    torch.nn.Linear(2, 40),
    torch.nn.Tanh(),
    torch.nn.Linear(40, 1),
    torch.nn.Flatten(0),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(600):
    i = torch.randint(0, 1200, (50,))
    loss = ((model(x[i]) - y[i]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())

with torch.no_grad():
    error = (model(x[1200:]) - y[1200:].flatten()).abs().mean().item()
print("mean absolute error", error)
