import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset, random_split

WARMUP_STEPS = 100


def warmup(step):
    return min(1.0, (step + 1) / WARMUP_STEPS)


torch.manual_seed(0)
pixels, digits = load_digits(return_X_y=True)
dataset = TensorDataset(torch.tensor(pixels / 16).float(), torch.tensor(digits))
train_set, test_set = random_split(dataset, [1500, 297])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)

net = nn.Sequential(nn.Linear(64, 100), nn.LayerNorm(100), nn.GELU(), nn.Linear(100, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
scheduler = LambdaLR(optimizer, lr_lambda=warmup)

for epoch in range(8):
    for batch, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(batch), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item())

net.eval()
correct = sum((net(batch).argmax(1) == labels).sum().item() for batch, labels in DataLoader(test_set, batch_size=99))
print("accuracy", correct / len(test_set))
