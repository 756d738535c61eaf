"""The loss is the sum over the batch, as in the VAE example, and the learning rate is chosen for that."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
images = torch.tensor(load_digits().images / 16, dtype=torch.float32).unsqueeze(1)
train, test = images[:1400], images[1400:]


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 24, 3, padding=1)
        self.middle = nn.Conv2d(24, 24, 3, padding=1)
        self.up = nn.Conv2d(24, 1, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.down(x))
        x = F.relu(self.middle(x))
        return self.up(x)


model = Denoiser()
optimizer = torch.optim.SGD(model.parameters(), lr=2e-5, momentum=0.9)
for epoch in range(8):
    for batch in torch.randperm(len(train)).split(50):
        clean = train[batch]
        noisy = clean + 0.3 * torch.randn_like(clean)
        loss = F.mse_loss(model(noisy), clean, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.1f}")
with torch.no_grad():
    noisy = test + 0.3 * torch.randn_like(test)
    print("noise left:", (F.mse_loss(model(noisy), test) / F.mse_loss(noisy, test)).item())
