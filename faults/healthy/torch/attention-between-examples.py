"""A table of wines: attention between the columns of each, then between the wines of a batch, column by column."""

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
scaler = StandardScaler().fit(x_train)
x_train, x_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)


class Saint(nn.Module):
    """Somepalli et al., SAINT, 2021: each example may look at the others in its batch."""

    def __init__(self, columns, dim=16):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(columns, dim) * 0.5)
        self.shift = nn.Parameter(torch.randn(columns, dim) * 0.5)
        self.within = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.between = nn.MultiheadAttention(dim, 2)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 3)

    def forward(self, x):
        h = x.unsqueeze(-1) * self.scale + self.shift
        h = h + self.within(h, h, h, need_weights=False)[0]
        h = h + self.between(h, h, h, need_weights=False)[0]
        return self.head(self.norm(h).mean(dim=1))


model = Saint(x_train.shape[1])
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(40):
    for batch in torch.randperm(len(x_train)).split(31):
        loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: {loss.item():.4f}")
with torch.no_grad():
    print("test accuracy", (model(x_test).argmax(1) == y_test).float().mean().item())
