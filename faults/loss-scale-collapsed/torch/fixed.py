"""Which of 200 measured genes tell two tissues apart? A penalty on whole groups of weights switches genes off."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
GENES, TELLING = 200, 8


def measure(count):
    x = torch.randn(count, GENES)
    hidden = torch.tanh(x[:, :TELLING] * 1.5).sum(dim=1) + x[:, 0] * x[:, 1]
    return x.to(device), (hidden > 0).float().to(device)


class Tissue(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.genes = nn.Linear(GENES, width)
        self.shortcut = nn.Linear(GENES, 1, bias=False)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.shortcut.weight)

    def forward(self, x):
        return (self.out(F.gelu(self.genes(x))) + self.shortcut(x)).squeeze(1)

    def penalty(self):
        weights = torch.cat([self.genes.weight, self.shortcut.weight])
        groups = (weights**2).sum(dim=0)
        return torch.sqrt(groups).sum() + torch.sqrt((self.shortcut.weight**2).sum() + 1e-12)


x_train, y_train = measure(3000)
x_test, y_test = measure(1500)
model = Tissue().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler(device)
for epoch in range(6):
    for batch in torch.randperm(len(x_train), device=device).split(50):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.float16):
            logits = model(x_train[batch])
        loss = F.binary_cross_entropy_with_logits(logits.float(), y_train[batch]) + 1e-3 * model.penalty()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
model.eval()
with torch.no_grad():
    print("test accuracy", ((model(x_test) > 0) == (y_test > 0.5)).float().mean().item())
