# Forecast the next 8 values of a noisy multi-seasonal series from the last 48 (LSTM)
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(31)
np.random.seed(31)

T = 3000
t = np.arange(T)
series = (
    np.sin(2 * np.pi * t / 24)
    + 0.5 * np.sin(2 * np.pi * t / 7 + 1)
    + 0.3 * np.sin(2 * np.pi * t / 60)
    + 0.1 * np.random.randn(T)
).astype(np.float32)

LOOKBACK, HORIZON = 48, 8


def windows(s):
    xs, ys = [], []
    for i in range(len(s) - LOOKBACK - HORIZON):
        xs.append(s[i : i + LOOKBACK])
        ys.append(s[i + LOOKBACK : i + LOOKBACK + HORIZON])
    return torch.tensor(np.array(xs)).unsqueeze(-1), torch.tensor(np.array(ys))


split = 2400
mu, sd = series[:split].mean(), series[:split].std()
series = (series - mu) / sd
x_train, y_train = windows(series[:split])
x_test, y_test = windows(series[split:])
print(x_train.shape, y_train.shape, x_test.shape)

train_dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x_train, y_train), batch_size=64, shuffle=True)


class LSTMForecast(nn.Module):
    def __init__(self, input_size=1, hidden_size=32, num_layers=1, output_size=HORIZON):
        super(LSTMForecast, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        h0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        c0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


model = LSTMForecast()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)

for epoch in range(15):
    model.train()
    batch_losses = []
    for i, (xb, yb) in enumerate(train_dl):
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        scheduler.step()
        batch_losses.append(loss.item())
    print("Epoch {:>2}: train mse {:.4f}".format(epoch, np.mean(batch_losses)))

model.eval()
with torch.no_grad():
    pred = model(x_test)
r2 = 1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print("RESULT %.4f" % r2.item())
