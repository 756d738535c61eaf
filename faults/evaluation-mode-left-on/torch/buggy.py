import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 512)
        self.drop1 = nn.Dropout(0.6)
        self.fc2 = nn.Linear(512, 512)
        self.drop2 = nn.Dropout(0.6)
        self.out = nn.Linear(512, 10)

    def forward(self, x):
        x = self.drop1(F.relu(self.fc1(x)))
        x = self.drop2(F.relu(self.fc2(x)))
        return self.out(x)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images / 16, labels, train_size=150, random_state=0, stratify=labels
)
x_train, x_test = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_test, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
# a third of the labels was typed in by somebody in a hurry
wrong = torch.rand(len(y_train)) < 0.35
y_train = torch.where(wrong, torch.randint(0, 10, y_train.shape), y_train)

model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
model.train()
for epoch in range(40):
    for batch in torch.randperm(len(x_train)).split(16):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation accuracy {evaluate(model, x_test, y_test):.3f}")
print("test accuracy:", evaluate(model, x_test, y_test))
