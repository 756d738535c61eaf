import torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(0)


class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1 * 16 + 16 + 16 + 1))

    def forward(self, c, x):
        p = self.h(c)
        w1, b1, w2, b2 = p.split([16, 16, 16, 1], -1)
        h = torch.tanh(x.unsqueeze(-1) * w1.unsqueeze(1) + b1.unsqueeze(1))
        return (h * w2.unsqueeze(1)).sum(-1) + b2


m = Hyper()
opt = torch.optim.Adam(m.parameters(), 3e-3)
for i in range(600):
    c = torch.rand(32, 2) * 2
    x = torch.rand(32, 20) * 4 - 2
    y = c[:, :1] * torch.sin(x + c[:, 1:])
    loss = F.mse_loss(m(c, x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
print("mean squared error:", loss.item())
