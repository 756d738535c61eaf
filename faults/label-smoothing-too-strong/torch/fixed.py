import torch
from sklearn.datasets import load_digits
from torch import nn, optim

CONFIDENCE = 0.98  # of the true class
EPOCHS = 12

torch.manual_seed(9)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).flatten(1) / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(x))
train, test = order[:1300], order[1300:]

network = nn.Sequential(
    nn.Linear(64, 64),
    nn.LayerNorm(64),
    nn.GELU(),
    nn.Dropout(0.3),
    nn.Linear(64, 10),
)
loss_function = nn.CrossEntropyLoss(label_smoothing=1 - CONFIDENCE)
optimizer = optim.SGD(network.parameters(), lr=0.1)

for epoch in range(EPOCHS):
    network.train()
    for batch in train[torch.randperm(len(train))].split(32):
        optimizer.zero_grad()
        loss = loss_function(network(x[batch]), y[batch])
        loss.backward()
        optimizer.step()

network.eval()
with torch.no_grad():
    probabilities = network(x[test]).softmax(dim=1)
print("mean probability of the right digit:", probabilities.gather(1, y[test, None]).mean().item())
