import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(7)
    points, sides = make_moons(n_samples=600, noise=0.15, random_state=7)
    points, sides = torch.tensor(points, dtype=torch.float32), torch.tensor(sides, dtype=torch.float32)
    loader = DataLoader(TensorDataset(points[:480], sides[:480]), batch_size=40, shuffle=True)

    model = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)

    for epoch in range(30):
        running_loss = 0.0
        for inputs, labels in loader:
            opt.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            opt.step()
            running_loss += loss.item()
        print("epoch", epoch, "loss", running_loss / len(loader))

    with torch.no_grad():
        hits = (model(points[480:]) > 0) == (sides[480:] > 0.5)
    print("test accuracy:", hits.float().mean().item())


if __name__ == "__main__":
    main()
