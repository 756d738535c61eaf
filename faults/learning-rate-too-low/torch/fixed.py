import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim


LEARNING_RATE = 1e-1
EPOCHS = 10


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(8 * 8, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, x):
        x = self.flatten(x)
        return self.linear_relu_stack(x)


torch.manual_seed(100)
images, target = load_digits().images, load_digits().target
x_train, x_test, y_train, y_test = train_test_split(images / 16, target, stratify=target, random_state=100)
x_train, x_test = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_test, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = Classifier()
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.5)

for t in range(EPOCHS):
    for X, y in zip(x_train.split(32), y_train.split(32)):
        pred = model(X)
        loss = loss_fn(pred, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(f"Epoch {t + 1}\n-------------------------------\nloss: {loss.item():>7f}")

with torch.no_grad():
    correct = (model(x_test).argmax(1) == y_test).float().mean().item()
print(f"Accuracy: {correct:>0.3f}")
