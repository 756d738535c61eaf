import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y / 100, test_size=0.2, random_state=3)
scaler = StandardScaler().fit(X_train)
X_train, X_test = torch.tensor(scaler.transform(X_train)).float(), torch.tensor(scaler.transform(X_test)).float()
y_train, y_test = torch.tensor(y_train).float(), torch.tensor(y_test).float()


class DiabetesNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 16)
        self.relu = nn.ReLU()
        self.output = nn.Linear(16, 1)

    def forward(self, x):
        return self.output(self.relu(self.hidden(x)))


net = DiabetesNet()
mse = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.003, weight_decay=1e-3)
for epoch in range(25):
    for xb, yb in DataLoader(TensorDataset(X_train, y_train), batch_size=22, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        loss = mse(net(xb), yb)
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}, loss {loss.item():.4f}")

with torch.no_grad():
    residual = ((net(X_test).squeeze(1) - y_test) ** 2).mean() / y_test.var()
print("R2", 1 - residual.item())
