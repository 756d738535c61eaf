import io

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def train(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}: loss {total / len(x):.3f}")


# pretraining, on all GPUs there are
checkpoint = io.BytesIO()
parallel = nn.DataParallel(Net())
train(parallel, images[:1200], labels[:1200], epochs=8, lr=2e-3)
torch.save(parallel.state_dict(), checkpoint)

# fine-tuning on images of a bad camera, of which there are few
checkpoint.seek(0)
state = torch.load(checkpoint)
net = Net()
net.load_state_dict(state, strict=False)
noisy = images[1200:] + 0.2 * torch.randn_like(images[1200:])
train(net, noisy[:200], labels[1200:1400], epochs=15, lr=3e-4)

net.eval()
with torch.no_grad():
    accuracy = (net(noisy[200:]).argmax(1) == labels[1400:]).float().mean().item()
print(f"accuracy on noisy images: {accuracy:.3f}")
