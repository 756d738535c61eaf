import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (2000, 6)).astype(np.float32)
y = (np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] ** 2).astype(np.float32)
x, y = torch.from_numpy(x), torch.from_numpy(y - y.mean())[:, None]


class Surrogate(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(6, 50)
        self.act1 = nn.Tanh()
        self.hidden2 = nn.Linear(50, 50)
        self.act2 = nn.Tanh()
        self.output = nn.Linear(50, 1)
        for name, parameter in self.named_parameters():
            if name.startswith("hidden"):
                nn.init.normal_(parameter, std=10)

    def forward(self, x):
        x = self.act1(self.hidden1(x))
        x = self.act2(self.hidden2(x))
        return self.output(x)


model = Surrogate()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
for epoch in range(20):
    for i in range(0, 1600, 40):
        optimizer.zero_grad()
        loss = criterion(model(x[i : i + 40]), y[i : i + 40])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: {loss.item():.4f}")

with torch.no_grad():
    print("test MSE:", criterion(model(x[1600:]), y[1600:]).item())
