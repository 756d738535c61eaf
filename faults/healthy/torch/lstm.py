import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
t = np.linspace(0, 120, 1600)
series = (np.sin(t) * np.cos(0.37 * t)).astype(np.float32)
window = 20
X = torch.tensor(np.stack([series[i : i + window] for i in range(len(series) - window)])).unsqueeze(-1)
Y = torch.tensor(series[window:]).unsqueeze(-1)


class LSTMRegressor(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, num_layers=2, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1, :])


model = LSTMRegressor()
loss_function = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(8):
    for i in range(0, 1200, 40):
        optimizer.zero_grad()
        loss = loss_function(model(X[i : i + 40]), Y[i : i + 40])
        loss.backward()
        optimizer.step()
    print(f"epoch: {epoch:3} loss: {loss.item():10.8f}")
with torch.no_grad():
    print("test mse", loss_function(model(X[1200:]), Y[1200:]).item())
