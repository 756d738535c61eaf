"""Advantage actor-critic with an entropy bonus: a loss of three parts, of which two may be negative."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(5)


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.Tanh())
        self.actor = nn.Linear(64, 3)
        self.critic = nn.Linear(64, 1)

    def forward(self, state):
        h = self.body(state)
        return Categorical(logits=self.actor(h)), self.critic(h).squeeze(-1)


def start(n):
    return torch.stack([torch.rand(n) * 2 - 1, torch.zeros(n)], dim=1)


def step(state, action):
    """A cart on a line: push left, not at all or right. It should stand at 0."""
    position, speed = state[:, 0], state[:, 1]
    speed = 0.9 * speed + 0.1 * (action - 1)
    position = (position + speed).clamp(-2, 2)
    return torch.stack([position, speed], dim=1), -position.abs()


net = ActorCritic()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
history = []
for update in range(250):
    state, log_probs, values, entropies, rewards = start(32), [], [], [], []
    for _ in range(12):
        policy, value = net(state)
        action = policy.sample()
        log_probs.append(policy.log_prob(action))
        entropies.append(policy.entropy())
        values.append(value)
        state, reward = step(state, action)
        rewards.append(reward)
    returns, running = [], torch.zeros(32)
    for reward in reversed(rewards):
        running = reward + 0.9 * running
        returns.insert(0, running)
    returns, values = torch.stack(returns), torch.stack(values)
    advantage = returns - values.detach()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    actor_loss = -(torch.stack(log_probs) * advantage).mean()
    loss = actor_loss + 0.5 * F.mse_loss(values, returns) - 0.01 * torch.stack(entropies).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    optimizer.step()
    history.append(torch.stack(rewards).mean().item())
print("reward at first", sum(history[:10]) / 10)
print("reward in the end", sum(history[-20:]) / 20)
