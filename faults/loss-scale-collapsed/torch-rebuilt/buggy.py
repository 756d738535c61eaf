"""Disease progression after a year, trained in half precision."""

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import nn
from torch.amp import GradScaler, autocast

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
x, y = load_diabetes(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x * 20, (y - 152) / 77, test_size=0.25, random_state=1)
x_train, x_test, y_train, y_test = (
    torch.tensor(part, dtype=torch.float32, device=device) for part in (x_train, x_test, y_train, y_test)
)


def train_one_batch(model, optimizer, inputs, targets):
    scaler = GradScaler(device)
    optimizer.zero_grad()
    with autocast(device, dtype=torch.float16):
        outputs = model(inputs).squeeze(1)
        loss = nn.functional.mse_loss(outputs, targets.half(), reduction="sum")
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


def main():
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=2e-3)
    for epoch in range(40):
        total = 0.0
        for batch in torch.randperm(len(x_train), device=device).split(16):
            total += train_one_batch(model, optimizer, x_train[batch], y_train[batch])
        if epoch % 10 == 0:
            print(f"epoch {epoch}: {total / len(x_train):.3f}")
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_test).squeeze(1), y_test)
    print("test R2", 1 - (error / y_test.var(correction=0)).item())


main()
