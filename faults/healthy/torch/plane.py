import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
data, target = load_digits(return_X_y=True)
data, target = torch.tensor(data / 16, dtype=torch.float32), torch.tensor(target)

# The two numbers in the middle are drawn as a map of the digits.
to_plane = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
from_plane = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 10))
model = nn.Sequential(to_plane, from_plane)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(40):
    for rows in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(data[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

print("training accuracy", (model(data[:1400]).argmax(1) == target[:1400]).float().mean().item())
