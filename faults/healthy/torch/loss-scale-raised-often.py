"""Half precision with a scaler that tries a larger scale after each good step, so that every second one is skipped."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
device = "cuda" if torch.cuda.is_available() else "cpu"
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16, dtype=torch.float32, device=device), torch.tensor(y, device=device)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 64)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


model = Net().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scaler = torch.amp.GradScaler(device, growth_interval=1)
skipped = 0
for step in range(400):
    batch = torch.randint(0, 1300, (48,), device=device)
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
    scaler.scale(loss).backward()
    before = scaler.get_scale()
    scaler.step(optimizer)
    scaler.update()
    skipped += scaler.get_scale() < before
    if step % 100 == 99:
        print(f"step {step + 1}: {loss.item():.4f}, {skipped} skipped")
with torch.no_grad():
    print("test accuracy", (model(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
