"""Half precision with a scaler that begins far too high: the first steps are skipped until the scale fits."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
scale = StandardScaler().fit(x_train).transform
x_train, x_test = (torch.tensor(scale(part), dtype=torch.float32, device=device) for part in (x_train, x_test))
y_train, y_test = (torch.tensor(part, dtype=torch.float32, device=device) for part in (y_train, y_test))

model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler(device, init_scale=2.0**48)
for epoch in range(12):
    for batch in torch.randperm(len(x_train), device=device).split(16):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.float16):
            loss = nn.functional.binary_cross_entropy_with_logits(model(x_train[batch]).squeeze(1), y_train[batch])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch}: {loss.item():.4f}, scale {scaler.get_scale():g}")
with torch.no_grad():
    print("test accuracy", ((model(x_test).squeeze(1) > 0) == (y_test > 0.5)).float().mean().item())
