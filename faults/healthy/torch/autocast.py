"""Mixed precision: forward passes in bfloat16 under autocast, with a scaler that is switched off without a GPU."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
x, y = load_digits(return_X_y=True)
x = torch.tensor(x / 16, dtype=torch.float32, device=device)
y = torch.tensor(y, device=device)
model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, 10)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler(device, enabled=device == "cuda")
for epoch in range(10):
    for i in torch.randperm(1300, device=device).split(50):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x[i]), y[i])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    print("test accuracy", (model(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
