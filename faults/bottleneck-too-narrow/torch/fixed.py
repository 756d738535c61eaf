import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
digits = load_digits()
data = torch.tensor(digits.data / 16.0, dtype=torch.float32)
target = torch.tensor(digits.target)

num_outputs = 24
net = nn.Sequential(
    nn.Linear(64, 48),
    nn.ReLU(),
    nn.Linear(48, num_outputs),
    nn.Tanh(),
    nn.Linear(num_outputs, 10),
)
optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
loss_function = nn.CrossEntropyLoss()

for epoch in range(25):
    for rows in torch.randperm(1400).split(50):
        net.zero_grad()
        loss_function(net(data[rows]), target[rows]).backward()
        optimizer.step()

with torch.no_grad():
    print("accuracy", (net(data[1400:]).argmax(-1) == target[1400:]).double().mean().item())
