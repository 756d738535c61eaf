"""A bag of words, averaged; linear warm-up and linear decay, as for a transformer."""

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(4)
rng = np.random.default_rng(4)

VOCABULARY, LENGTH, CLASSES = 400, 20, 5
topics = rng.dirichlet(np.full(VOCABULARY, 0.08), CLASSES)


def documents(n):
    labels = rng.integers(0, CLASSES, n)
    mixed = 0.5 * topics[labels] + 0.5 / VOCABULARY
    words = np.stack([rng.choice(VOCABULARY, LENGTH, p=row) for row in mixed])
    return torch.tensor(words), torch.tensor(labels)


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, CLASSES)

    def forward(self, words):
        return self.out(torch.relu(self.hidden(self.embedding(words).mean(dim=1))))


def get_linear_schedule_with_warmup(optimizer, num_warmup_steps, num_training_steps):
    def factor(step):
        if step < num_warmup_steps:
            return step / max(1, num_warmup_steps)
        return max(0.0, (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps))

    return LambdaLR(optimizer, factor)


train_words, train_labels = documents(1600)
test_words, test_labels = documents(400)
epochs, batch_size = 20, 40

model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scheduler = get_linear_schedule_with_warmup(
    optimizer,
    num_warmup_steps=5,
    num_training_steps=len(train_words) // batch_size,
)

for epoch in range(epochs):
    for batch in torch.randperm(len(train_words)).split(batch_size):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(train_words[batch]), train_labels[batch])
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}, lr {scheduler.get_last_lr()[0]:.2g}")

with torch.no_grad():
    print("test accuracy:", (model(test_words).argmax(1) == test_labels).float().mean().item())
