"""Actor-critic policy gradient on a vectorised grid world: walk to the goal cell."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


class GridWorld:
    def __init__(self, n_envs, size, gen):
        self.n, self.size, self.gen = n_envs, size, gen

    def reset(self):
        self.pos = torch.randint(self.size, (self.n, 2), generator=self.gen)
        self.goal = torch.randint(self.size, (self.n, 2), generator=self.gen)
        return self.obs()

    def obs(self):
        scale = float(self.size)
        return torch.cat([self.pos / scale, self.goal / scale], dim=1) - 0.4

    def step(self, action):
        self.pos = (self.pos + MOVES[action]).clamp(0, self.size - 1)
        reached = (self.pos == self.goal).all(1)
        reward = reached.float() - 0.02
        # a reached goal is moved, so that the episode has a fixed length
        fresh = torch.randint(self.size, (self.n, 2), generator=self.gen)
        self.goal = torch.where(reached.unsqueeze(1), fresh, self.goal)
        return self.obs(), reward


class ActorCritic(nn.Module):
    def __init__(self, obs_dim, actions, hidden):
        super().__init__()
        self.actor = nn.Sequential(
            nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, actions)
        )
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, obs):
        return Categorical(logits=self.actor(obs)), self.critic(obs)


def rollout(env, model, horizon):
    obs, rec = env.reset(), {"obs": [], "act": [], "rew": []}
    with torch.no_grad():
        for _ in range(horizon):
            dist, _ = model(obs)
            act = dist.sample()
            rec["obs"].append(obs)
            rec["act"].append(act)
            obs, rew = env.step(act)
            rec["rew"].append(rew)
    return {k: torch.stack(v) for k, v in rec.items()}


def discount(rew, gamma):
    out, acc = torch.zeros_like(rew), torch.zeros(rew.size(1))
    for t in reversed(range(rew.size(0))):
        acc = rew[t] + gamma * acc
        out[t] = acc
    return out


def losses(model, batch, gamma):
    obs = batch["obs"].flatten(0, 1)
    act = batch["act"].flatten()
    returns = discount(batch["rew"], gamma).flatten().unsqueeze(-1)
    dist, value = model(obs)
    adv = (returns - value).detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-6)
    policy = -(dist.log_prob(act) * adv).mean()
    critic = F.mse_loss(value, returns)
    return policy, critic, dist.entropy().mean()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--envs", type=int, default=64)
    ap.add_argument("--size", type=int, default=5)
    ap.add_argument("--horizon", type=int, default=24)
    ap.add_argument("--updates", type=int, default=300)
    ap.add_argument("--gamma", type=float, default=0.9)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--entropy", type=float, default=0.01)
    ap.add_argument("--seed", type=int, default=4)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    env = GridWorld(args.envs, args.size, gen)
    model = ActorCritic(4, 4, 64)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    score = 0.0
    for update in range(args.updates):
        batch = rollout(env, model, args.horizon)
        policy, critic, entropy = losses(model, batch, args.gamma)
        loss = policy + 0.5 * critic - args.entropy * entropy
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        ret = batch["rew"].sum(0).mean().item()
        score = ret if update == 0 else 0.95 * score + 0.05 * ret
        if update % 50 == 0:
            print(f"update {update} return {ret:.3f} critic {critic.item():.4f} entropy {entropy.item():.3f}")
    print(f"RESULT {score:.4f}")


if __name__ == "__main__":
    main()
