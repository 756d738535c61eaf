import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(17)
X, y = load_diabetes(return_X_y=True)
X = torch.tensor(X * 20, dtype=torch.float32)
y = torch.tensor(y / 50, dtype=torch.float32)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=17)
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=16, shuffle=True)


class Progression(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_in = nn.Linear(10, 20)
        self.norm = nn.LayerNorm(20)
        self.fc_out = nn.Linear(20, 1)

    def forward(self, x):
        x = torch.tanh(self.norm(self.fc_in(x)))
        return self.fc_out(x).squeeze(1)


model = Progression()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
loss_fn = nn.L1Loss()
for epoch in range(20):
    model.train()
    for xb, yb in loader:
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = loss_fn(model(X_val), y_val)
    print(f"epoch {epoch:2d} train {loss.item():.3f} val {val.item():.3f}")
