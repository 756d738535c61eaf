import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
features, strength = make_friedman1(2400, noise=0.5, random_state=0)
features = torch.tensor(StandardScaler().fit_transform(features), dtype=torch.float32)
strength = torch.tensor((strength - strength.mean()) / strength.std(), dtype=torch.float32)[:, None]
x_train, y_train, x_test, y_test = features[:2000], strength[:2000], features[2000:], strength[2000:]


def weights_init(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0.0, std=0.01)
        nn.init.constant_(m.bias, 0.0)


model = nn.Sequential(
    nn.Linear(10, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
)
model.apply(weights_init)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

for epoch in range(25):
    for batch in torch.randperm(2000).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: {loss.item():.4f}")

with torch.no_grad():
    rest = criterion(model(x_test), y_test).item() / y_test.var().item()
print("test R2", round(1 - rest, 3))
