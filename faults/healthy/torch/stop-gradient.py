"""SimSiam: two views of an image predict each other, and the target side is detached. The loss goes towards -1."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)


def view(batch):
    shift = torch.randint(-1, 2, (2,)).tolist()
    rolled = torch.roll(batch, shift, dims=(1, 2))
    return (rolled * (torch.rand_like(rolled) > 0.1) + 0.1 * torch.randn_like(rolled)).flatten(1)


class SimSiam(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.BatchNorm1d(64, affine=False)
        )
        self.predictor = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, a, b):
        za, zb = self.encoder(a), self.encoder(b)
        pa, pb = self.predictor(za), self.predictor(zb)
        return -(F.cosine_similarity(pa, zb.detach()).mean() + F.cosine_similarity(pb, za.detach()).mean()) / 2


net = SimSiam()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for epoch in range(40):
    for idx in torch.randperm(1400).split(70):
        loss = net(view(images[idx]), view(images[idx]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")

net.eval()
with torch.no_grad():
    codes = net.encoder[:3](images.flatten(1)).numpy()
probe = LogisticRegression(max_iter=500).fit(codes[:200], digits.target[:200])
print("linear probe on 200 labels:", probe.score(codes[1400:], digits.target[1400:]))
