import numpy as np
import torch

np.random.seed(0)
torch.manual_seed(0)
x = np.random.rand(200, 1).astype(np.float32)
y = 3 * x + 2 + 0.1 * np.random.randn(200, 1).astype(np.float32)
inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

model = torch.nn.Linear(1, 1)
criterion = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(400):
    outputs = model(inputs)
    loss = criterion(outputs, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 100 == 0:
        print("Epoch [{}/400], Loss: {:.4f}".format(epoch + 1, loss.item()))

print("bias (2.0)", model.bias.item())
print("slope (3.0)", model.weight.item())
