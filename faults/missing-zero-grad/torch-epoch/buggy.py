import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(10)

# next character of a small grammar
text = "".join(
    ["the cat sat on the mat. ", "a dog ate the bone. ", "the dog sat by a cat. "][i]
    for i in torch.randint(0, 3, (160,)).tolist()
)
chars = sorted(set(text))
code = torch.tensor([chars.index(c) for c in text])
context = 8
X = code.unfold(0, context, 1)[:-1]
Y = code[context:]


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(chars), 12)
        self.lstm = nn.LSTM(12, 40, batch_first=True)
        self.linear = nn.Linear(40, len(chars))

    def forward(self, x):
        out, _ = self.lstm(self.embedding(x))
        return self.linear(out[:, -1])


model = CharModel()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
split = int(0.9 * len(X))

for epoch in range(5):
    optimizer.zero_grad()
    for start in range(0, split, 50):
        logits = model(X[start : start + 50])
        loss = F.cross_entropy(logits, Y[start : start + 50])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}, loss {loss.item():.3f}")

with torch.no_grad():
    print("test loss", F.cross_entropy(model(X[split:]), Y[split:]).item())
