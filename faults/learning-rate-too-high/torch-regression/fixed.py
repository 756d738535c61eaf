import torch
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

x, y = make_friedman1(n_samples=1200, n_features=8, noise=0.5, random_state=2)
x = torch.tensor(StandardScaler().fit_transform(x), dtype=torch.float32)
y = torch.tensor(StandardScaler().fit_transform(y[:, None]), dtype=torch.float32)

torch.manual_seed(2)
model = torch.nn.Sequential(
    torch.nn.Linear(8, 50),
    torch.nn.ReLU(),
    torch.nn.Linear(50, 1),
)
loss_fn = torch.nn.MSELoss(reduction="mean")

learning_rate = 0.05
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
for t in range(1000):
    i = (t * 50) % 1000
    y_pred = model(x[i : i + 50])
    loss = loss_fn(y_pred, y[i : i + 50])
    if t % 100 == 99:
        print(t, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print("validation loss:", loss_fn(model(x[1000:]), y[1000:]).item())
