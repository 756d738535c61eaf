import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
train_x, train_y = images[:1400], labels[:1400]
test_x, test_y = images[1400:], labels[1400:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


net = Net()
optimizer = torch.optim.SGD(
    net.parameters(),
    lr=0.1,
    momentum=0.9,
)
for epoch in range(12):
    for batch in torch.randperm(len(train_x)).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(train_x[batch]), train_y[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        correct = (net(test_x).argmax(dim=1) == test_y).float().mean().item()
    print(f"epoch {epoch}: train loss {loss.item():.4f}, test accuracy {correct:.3f}")
