import torch, torch.nn as nn

torch.manual_seed(0)
t = torch.arange(0, 400) * 0.1
s = torch.sin(t) * torch.cos(0.37 * t)


class ESN(nn.Module):
    def __init__(self, n=100):
        super().__init__()
        self.rnn = nn.RNN(1, n, batch_first=True)
        for p in self.rnn.parameters():
            p.requires_grad = False
        with torch.no_grad():
            w = torch.randn(n, n)
            w *= 0.9 / torch.linalg.eigvals(w).abs().max()
            self.rnn.weight_hh_l0.copy_(w)
        self.out = nn.Linear(n, 1)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h)


m = ESN()
opt = torch.optim.Adam(m.out.parameters(), 1e-2)
x, y = s[:-1].view(1, -1, 1), s[1:].view(1, -1, 1)
for i in range(300):
    loss = nn.functional.mse_loss(m(x)[:, 50:], y[:, 50:])
    opt.zero_grad()
    loss.backward()
    opt.step()
print("mean squared error:", loss.item())
