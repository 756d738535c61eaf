"""DQN on a small grid: the target network is a copy that no optimizer ever sees."""

import random
from collections import deque

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE, GOAL = 5, (4, 4)
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


def observe(place):
    grid = torch.zeros(SIZE * 2)
    grid[place[0]] = 1.0
    grid[SIZE + place[1]] = 1.0
    return grid


def move(place, action):
    dx, dy = MOVES[action]
    new = (min(max(place[0] + dx, 0), SIZE - 1), min(max(place[1] + dy, 0), SIZE - 1))
    return new, (1.0 if new == GOAL else -0.05), new == GOAL


q = nn.Sequential(nn.Linear(SIZE * 2, 48), nn.ReLU(), nn.Linear(48, 4))
target = nn.Sequential(nn.Linear(SIZE * 2, 48), nn.ReLU(), nn.Linear(48, 4))
target.load_state_dict(q.state_dict())
optimizer = torch.optim.Adam(q.parameters(), lr=2e-3)
memory = deque(maxlen=3000)

steps = 0
for episode in range(150):
    place = (random.randrange(SIZE - 1), random.randrange(SIZE - 1))
    epsilon = max(0.1, 1 - episode / 80)
    for _ in range(25):
        if random.random() < epsilon:
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = q(observe(place)).argmax().item()
        new, reward, done = move(place, action)
        memory.append((observe(place), action, reward, observe(new), float(done)))
        place = new
        if len(memory) >= 64:
            s, a, r, s2, d = zip(*random.sample(memory, 32))
            with torch.no_grad():
                best = target(torch.stack(s2)).max(1).values
                goal = torch.tensor(r) + 0.95 * best * (1 - torch.tensor(d))
            chosen = q(torch.stack(s)).gather(1, torch.tensor(a)[:, None]).squeeze(1)
            loss = nn.functional.smooth_l1_loss(chosen, goal)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(q.parameters(), 10.0)
            optimizer.step()
            steps += 1
            if steps % 100 == 0:
                target.load_state_dict(q.state_dict())
        if done:
            break

reached = 0
for x in range(SIZE - 1):
    for y in range(SIZE - 1):
        place, done = (x, y), False
        for _ in range(8 - x - y):
            with torch.no_grad():
                place, _, done = move(place, q(observe(place)).argmax().item())
        reached += done
print("starts from which the goal is reached on a shortest way:", reached / 16)
