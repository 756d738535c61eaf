# activation maximization: the image is what is trained, the network stays as it is
import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
y = torch.tensor(d.target)
net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(10):
    for b in torch.randperm(len(X)).split(64):
        opt.zero_grad()
        F.cross_entropy(net(X[b]), y[b]).backward()
        opt.step()
print("accuracy", (net(X).argmax(1) == y).float().mean().item())
for p in net.parameters():
    p.requires_grad_(False)
image = torch.full((1, 1, 8, 8), 0.5, requires_grad=True)
opt2 = torch.optim.Adam([image], 0.05)
for i in range(200):
    opt2.zero_grad()
    loss = -net(image.clamp(0, 1))[0, 3] + 0.01 * image.pow(2).sum()
    loss.backward()
    opt2.step()
print(f"score of a three: {-loss.item():.2f}")
