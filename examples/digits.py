"""Handwritten digits with a small network. It runs, it even learns a little, and one line of it is wrong."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Digits(nn.Module):
    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.head = nn.Linear(hidden, 10)
        self.output = nn.Softmax(dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.output(self.head(self.body(images)))


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        right = model(images).argmax(dim=1) == labels
    model.train()
    return right.float().mean().item()


def main() -> None:
    torch.manual_seed(0)
    pixels, classes = load_digits(return_X_y=True)
    images = torch.tensor(pixels / 16, dtype=torch.float32)
    labels = torch.tensor(classes)
    train, test = train_test_split(range(len(labels)), test_size=0.25, random_state=0)
    batches = DataLoader(TensorDataset(images[train], labels[train]), batch_size=32, shuffle=True)

    model = Digits()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(10):
        for batch, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(batch), targets)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {accuracy(model, images[test], labels[test]):.3f}")


if __name__ == "__main__":
    main()
