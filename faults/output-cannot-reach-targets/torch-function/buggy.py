import torch
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(17)
X, y = make_friedman1(n_samples=1000, n_features=7, noise=0.3, random_state=17)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=17)
X_train, X_val = torch.tensor(X_train, dtype=torch.float32), torch.tensor(X_val, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train / 5, dtype=torch.float32), torch.tensor(y_val / 5, dtype=torch.float32)
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=20, shuffle=True)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_in = nn.Linear(7, 32)
        self.norm = nn.LayerNorm(32)
        self.fc_out = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.tanh(self.norm(self.fc_in(x)))
        return torch.tanh(self.fc_out(x)).squeeze(1)


model = Regressor()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
loss_fn = nn.L1Loss()
for epoch in range(15):
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
