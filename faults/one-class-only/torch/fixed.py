import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
cancer = load_breast_cancer()
names = cancer.target_names[cancer.target]
x_train, x_test, name_train, name_test = train_test_split(cancer.data, names, test_size=0.3, random_state=4)
scaler = StandardScaler().fit(x_train)
x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32)
x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32)
y_train = torch.tensor(name_train == "malignant").float()

model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
criterion = nn.BCEWithLogitsLoss()
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
for epoch in range(25):
    right = 0
    for x, y in loader:
        optimizer.zero_grad()
        answer = model(x).squeeze(1)
        loss = criterion(answer, y)
        loss.backward()
        optimizer.step()
        right += ((answer > 0).float() == y).sum().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}  loss {loss.item():.4f}  training accuracy {right / len(y_train):.3f}")

model.eval()
with torch.no_grad():
    found = model(x_test).squeeze(1).numpy() > 0
print("balanced accuracy on new patients:", balanced_accuracy_score(np.array(name_test) == "malignant", found))
