import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(13)


def block(n_in, n_out):
    return [nn.Linear(n_in, n_out), nn.ReLU()]


model = nn.Sequential(*block(64, 40), *block(40, 20), nn.Linear(20, 10))

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=13)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(12):
    for i in range(0, len(X_train), 32):
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[i : i + 32]), y_train[i : i + 32])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(X_test).argmax(1) == y_test).float().mean()
    print(epoch, f"{loss.item():.3f}", f"{accuracy:.3f}")
