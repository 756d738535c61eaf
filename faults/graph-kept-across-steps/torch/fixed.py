import torch
from torch import nn

torch.manual_seed(0)
time = torch.arange(4001) * 0.1
signal = torch.sin(time) + 0.5 * torch.sin(2.3 * time)
WINDOW = 25

rnn = nn.GRU(input_size=1, hidden_size=24, batch_first=True)
readout = nn.Linear(24, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *readout.parameters()], lr=0.01)
mse = nn.MSELoss()

for epoch in range(2):
    hidden = torch.zeros(1, 1, 24)
    losses = []
    for start in range(0, 4000, WINDOW):
        x = signal[start : start + WINDOW].view(1, WINDOW, 1)
        y = signal[start + 1 : start + WINDOW + 1].view(1, WINDOW, 1)
        states, hidden = rnn(x, hidden.detach())
        loss = mse(readout(states), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f}")

print("loss of the last windows:", sum(losses[-20:]) / 20)
