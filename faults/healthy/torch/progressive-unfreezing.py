"""Fine-tuning step by step: first the head, then the last layer, then all; each phase with a smaller rate."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
body = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())


def fit(net, parameters, inputs, labels, lr, epochs, loss_fn):
    optimizer = torch.optim.AdamW(parameters, lr=lr)
    for _ in range(epochs):
        for i in torch.randperm(len(inputs)).split(32):
            optimizer.zero_grad()
            loss = loss_fn(net(inputs[i]).squeeze(1), labels[i])
            loss.backward()
            optimizer.step()


# learned elsewhere: is the digit above four?
old = nn.Sequential(body, nn.Linear(48, 1))
fit(old, old.parameters(), x[:800], (y[:800] > 4).float(), 1e-3, 10, nn.BCEWithLogitsLoss())

new = nn.Sequential(body, nn.Linear(48, 10))
for p in body.parameters():
    p.requires_grad = False
for unfreeze, lr, epochs in ((None, 5e-3, 5), (body[2], 1e-3, 5), (body[0], 3e-4, 8)):
    if unfreeze is not None:
        for p in unfreeze.parameters():
            p.requires_grad = True
    trainable = [p for p in new.parameters() if p.requires_grad]
    fit(new, trainable, x[800:1300], y[800:1300], lr, epochs, nn.CrossEntropyLoss())
    with torch.no_grad():
        print("test accuracy", (new(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
