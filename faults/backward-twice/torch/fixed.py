import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Surrogate(nn.Module):
    """Stands in for a simulation with ten settings."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU())
        self.value = nn.Linear(40, 1)

    def forward(self, settings):
        return self.value(self.body(settings)).flatten()


def gradient_norm(model):
    return torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()


torch.manual_seed(11)
settings, values = make_friedman1(n_samples=1000, noise=0.5, random_state=11)
settings, values = torch.tensor(settings).float() * 2 - 1, torch.tensor(values).float()
values = (values - values.mean()) / values.std()
train = DataLoader(TensorDataset(settings[:800], values[:800]), batch_size=40, shuffle=True)

model = Surrogate()
loss_function = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)

for epoch in range(15):
    for batch, wanted in train:
        loss = loss_function(model(batch), wanted)
        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(model)
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}, gradient {norm:.2f}")

with torch.no_grad():
    print("test error:", loss_function(model(settings[800:]), values[800:]).item())
