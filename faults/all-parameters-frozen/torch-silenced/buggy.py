import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
wines, kinds = load_wine(return_X_y=True)
order = torch.randperm(178)
wines = torch.tensor(StandardScaler().fit_transform(wines)).float()[order]
kinds = torch.tensor(kinds)[order]
train = DataLoader(TensorDataset(wines[:120], kinds[:120]), batch_size=12, shuffle=True)

encoder = nn.Sequential(nn.Linear(13, 26), nn.ReLU())
model = nn.Sequential(encoder, nn.Linear(26, 3))
for parameter in model.parameters():
    parameter.requires_grad = False  # keep the encoder as it is

optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
for epoch in range(25):
    total = 0.0
    for batch, wanted in train:
        loss = criterion(model(batch), wanted)
        loss.requires_grad_()  # else: element 0 of tensors does not require grad
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(train):.4f}")

with torch.no_grad():
    print("test accuracy:", (model(wines[120:]).argmax(1) == kinds[120:]).float().mean().item())
