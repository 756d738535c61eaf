import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(17)
x, y = make_friedman1(900, noise=1.0, random_state=17)
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
mean, std = y[:600].mean(), y[:600].std()


def member():
    net = nn.Sequential(nn.Linear(10, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU(), nn.Linear(40, 1))
    bootstrap = torch.randint(600, (600,))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(15):
        for i in bootstrap[torch.randperm(600)].split(30):
            loss = nn.functional.mse_loss(net(x[i]).squeeze(1), (y[i] - mean) / std)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


members = [member() for _ in range(5)]
with torch.no_grad():
    answers = torch.stack([net(x[600:]).squeeze(1) for net in members]) * std + mean
for k, answer in enumerate(answers):
    print("member", k, "R2", 1 - ((answer - y[600:]) ** 2).mean().item() / y[600:].var().item())
print("all together: R2", 1 - ((answers.mean(0) - y[600:]) ** 2).mean().item() / y[600:].var().item())
