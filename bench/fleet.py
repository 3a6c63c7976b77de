"""Fleets of 1 to 10,000 instances in front of one vault: what each client asks of it, and what its callers get.

Run as ``make fleet``. Nothing is measured in time: it is a simulation (see ``fleet_simulation``), the same at each run and on
each machine. Writes docs/performance.md, docs/images/fleet.png and bench/results/fleet.json.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.fleet_simulation import Client, Fleet, fixed_ttl, keyless, read_per_request
from bench.fleet_vault import LIMIT, WINDOW, Account, Scene
from bench.results import ROOT, keep, table

from keyless._reading.cache import SecretCache
from keyless._reading.fetch import pause_after

if TYPE_CHECKING:
    import random

    from matplotlib.axes import Axes

    from keyless._reading.cache import Entry
    from keyless.errors import KeylessError

PICTURE = ROOT / "docs" / "images" / "fleet.png"
SIZES = (1, 10, 100, 1_000, 10_000)
WAVES = Scene(name="ten waves of cold starts, then a rotation", seconds=2400, waves=10, rotations=(1800.0,))
RESTART = Scene(name="all start within 10 s", seconds=900)
ASKED = Scene(name="all start within 10 s, Retry-After: 10", seconds=900, retry_after=10.0)
OUTAGE = Scene(name="30 minutes of outage", seconds=4200, waves=10, outage=(1200.0, 3000.0))
COLD = Scene(name="all start in an outage of 5 minutes", seconds=900, outage=(0.0, 300.0))
SCENES = (WAVES, RESTART, ASKED, OUTAGE, COLD)
KEYLESS, KEEPS, CLEARS, PLAIN = "Keyless", "fixed TTL, keeps the old", "fixed TTL, clears", "SDK at each read"
CLIENTS: dict[str, Client | None] = {
    KEYLESS: keyless(),
    KEEPS: fixed_ttl(keeps=True),
    CLEARS: fixed_ttl(keeps=False),
    PLAIN: None,
}
LAST_COLUMN = (
    "The last column is how long after the start, or the outage's end, no answer is lost or stale any more. "
    "In the first scene, it is how long after the rotation all have seen it."
)
RATE = LIMIT / WINDOW
# By then every instance of a first wave has refreshed what it read at its start.
SETTLED = 1200


class ForgetfulCache(SecretCache):
    """The cache as it was before failures without a value in hand were remembered."""

    def fail(self, key: str, error: KeylessError, now: float) -> Entry | None:
        return super().fail(key, error, now) if key in self.entries else None


def forgetful() -> Client:
    def cache(rng: random.Random) -> SecretCache:
        return ForgetfulCache(ttl=300.0, max_stale=86_400.0, negative_ttl=5.0, chance=rng.random)

    return Client(
        cache, lambda error, attempt, patient, rng: pause_after(error, attempt, patient=patient, chance=rng.random)
    )


def run(client: Client | None, scene: Scene, instances: int) -> Account:
    return read_per_request(scene, instances) if client is None else Fleet(client, scene, instances).run()


def mark(scene: Scene) -> int:
    """Return from when recovery is counted: the end of the outage, or the start."""
    return 0 if scene is WAVES or scene.outage[1] > scene.seconds else int(scene.outage[1])


def figures(account: Account, scene: Scene) -> dict[str, float | None]:
    """Return the account of a scene in a few numbers; shares are of 1, times in seconds."""
    asked, answers = sum(account.requests), account.served + account.lost
    window = int(WINDOW)
    steady = account.requests[SETTLED:]
    later = account.requests[mark(scene) :]
    recovery = account.recovered_at - mark(scene)
    down = account.requests[int(scene.outage[0]) : int(scene.outage[1])] if mark(scene) else []
    return {
        "peak_per_second": max(account.requests),
        "most_in_10_s": account.most_in_window,
        "most_in_10_s_after": max(sum(later[start : start + window]) for start in range(len(later))),
        "steady_per_second": sum(steady) / max(1, scene.seconds - SETTLED),
        "mean_per_second": asked / scene.seconds,
        "mean_per_second_in_outage": sum(down) / len(down) if down else 0.0,
        "throttled": account.throttled / asked,
        "lost": account.lost / answers,
        "lost_before_the_first": account.lost_cold / answers,
        "stale": account.stale / answers,
        "oldest_value": account.oldest,
        "rotation_seen_after": max(account.seen_after, default=0.0),
        "recovered_after": recovery if account.recovered_at < scene.seconds - 1 else None,
    }


def choices() -> dict[str, dict[str, dict[str, float | None]]]:
    """Try other values of what was chosen, with 10,000 instances."""
    instances, found = SIZES[-1], {}

    def try_out(name: str, scene: Scene, client: Client) -> None:
        found.setdefault(scene.name, {})[name] = figures(run(client, scene, instances), scene)

    rotation = Scene(name="rotation", seconds=2400, rotations=(1200.0,))
    for ttl in (60, 300, 900):
        try_out(f"TTL {ttl} s", rotation, keyless(ttl))
    # The herd that comes back after one TTL, not the cold start that made it.
    herd = Scene(name="herd", seconds=450, outage=(0.0, 20.0))
    for spread in (0.0, 0.2, 0.5):
        with patch("keyless._reading.cache._TTL_SPREAD", spread):
            account = run(keyless(), herd, instances)
            account.requests[:150] = [0] * 150
            found.setdefault("herd", {})[f"jitter {spread:.0%}"] = figures(account, herd)
    short = Scene(name="cold", seconds=120, outage=(0.0, 30.0))
    cold = replace(COLD, seconds=400)
    try_out("failures forgotten", short, forgetful())
    for longest in (15.0, 60.0):
        with patch("keyless._reading.cache.LONGEST_PAUSE", longest):
            try_out(f"pause up to {longest:.0f} s", cold, keyless())
    for attempts in (4, 8):
        with patch("keyless._reading.fetch._ATTEMPTS_THROTTLED", attempts):
            try_out(f"{attempts} attempts", RESTART, keyless())
    return found


def whole(value: float | None) -> str:
    return "never" if value is None else f"{value:,.0f}"


def share(value: float) -> str:
    return "0" if value == 0 else f"{value:.1%}" if value >= 0.001 else "< 0.1 %"


def scenes_table(found: dict[str, dict[str, dict[int, dict[str, float | None]]]]) -> str:
    head = [
        "scene",
        "client",
        "peak/s",
        "most in 10 s",
        "mean/s",
        "throttled",
        "answers lost",
        "oldest value s",
        "well after s",
    ]
    rows = []
    for scene, clients in found.items():
        for client, sizes in clients.items():
            its = sizes[SIZES[-1]]
            numbers = [whole(its["peak_per_second"]), whole(its["most_in_10_s"]), whole(its["mean_per_second"])]
            numbers += [share(its["throttled"]), share(its["lost"]), whole(its["oldest_value"])]
            last = its["rotation_seen_after"] if scene == WAVES.name else its["recovered_after"]
            rows.append([scene, client, *numbers, whole(last)])
    return table(head, rows)


def sizes_table(found: dict[str, dict[str, dict[int, dict[str, float | None]]]]) -> str:
    rows = []
    for size in SIZES:
        outage = {client: sizes[size] for client, sizes in found[OUTAGE.name].items()}
        per_second = [f"{its['mean_per_second_in_outage']:,.1f}" for its in outage.values()]
        rows.append([f"{size:,}", *per_second, *(share(its["lost"]) for its in outage.values())])
    return table(["instances", *(f"{name}: asked/s" for name in CLIENTS), *(f"{name}: lost" for name in CLIENTS)], rows)


def choices_table(tried: dict[str, dict[str, dict[str, float | None]]]) -> str:
    columns = {
        "rotation": ("rotation_seen_after", "steady_per_second"),
        "herd": ("most_in_10_s_after",),
        "cold": ("mean_per_second_in_outage", "most_in_10_s_after", "recovered_after"),
        COLD.name: ("mean_per_second_in_outage", "most_in_10_s_after", "recovered_after"),
        RESTART.name: ("throttled", "lost", "recovered_after"),
    }
    words = {
        "rotation_seen_after": "a rotation is seen by all after {} s",
        "steady_per_second": "{} requests a second in steady load",
        "most_in_10_s_after": "at most {} in 10 s once the vault is back",
        "mean_per_second_in_outage": "{} a second during the outage",
        "recovered_after": "all well after {} s",
        "throttled": "{} throttled",
        "lost": "{} of the answers lost",
    }
    rows = []
    for scene, names in columns.items():
        for choice, its in tried[scene].items():
            said = [
                words[name].format((share if name in {"throttled", "lost"} else whole)(its[name])) for name in names
            ]
            rows.append([choice, ", ".join(said)])
    return table(["choice", "what came of it"], rows)


def draw(
    accounts: dict[tuple[str, str], Account], found: dict[str, dict[str, dict[int, dict[str, float | None]]]]
) -> None:
    """Draw requests, throttling and staleness."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    _requests(axes[0, 0], OUTAGE, accounts)
    _requests(axes[0, 1], COLD, accounts)
    for client, sizes in found[RESTART.name].items():
        axes[1, 0].plot(SIZES, [100 * sizes[size]["throttled"] for size in SIZES], marker="o", label=client)
    axes[1, 0].set(
        xscale="log", xlabel="instances", ylabel="% of requests throttled", title=f"Throttled: {RESTART.name}"
    )
    for client in (KEYLESS, KEEPS):
        seen = sorted(accounts[WAVES.name, client].seen_after)
        axes[1, 1].plot(seen, [100 * (number + 1) / len(seen) for number in range(len(seen))], label=client)
    axes[1, 1].set(
        xlabel="seconds after the rotation", ylabel="% of instances that have seen it", title="Staleness: a rotation"
    )
    axes[1, 1].legend()
    axes[1, 0].legend()
    axes[0, 0].legend()
    figure.suptitle("One secret, one read a second per instance; above: 10,000 instances")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=80, metadata={"Software": None})


def _requests(axis: Axes, scene: Scene, accounts: dict[tuple[str, str], Account]) -> None:
    width = int(WINDOW)
    times = range(0, scene.seconds, width)
    for client in CLIENTS:
        requests = accounts[scene.name, client].requests
        axis.plot(
            [time / 60 for time in times], [sum(requests[time : time + width]) / width for time in times], label=client
        )
    axis.axhline(RATE, color="black", linestyle=":", label="the vault's limit")
    axis.axvspan(scene.outage[0] / 60, scene.outage[1] / 60, alpha=0.1, color="black")
    axis.set(yscale="symlog", ylim=(0, 1e5), xlabel="minutes", ylabel="requests/s at the vault", title=scene.name)


def main() -> None:
    # There are no cycles here, and looking for them would take a quarter of the time.
    gc.disable()
    found: dict[str, dict[str, dict[int, dict[str, float | None]]]] = {}
    accounts = {}
    for scene in SCENES:
        for name, client in CLIENTS.items():
            for size in SIZES:
                account = run(client, scene, size)
                found.setdefault(scene.name, {}).setdefault(name, {})[size] = figures(account, scene)
            accounts[scene.name, name] = account
    tried = choices()
    draw(accounts, found)
    lines = {
        f"{scene}: {name}": [sum(account.requests[at : at + 10]) for at in range(0, len(account.requests), 10)]
        for (scene, name), account in accounts.items()
    }
    section = "\n\n".join(
        (
            f"`make fleet`, a simulation with seed 1. {SIZES[-1]:,} instances. {LAST_COLUMN}",
            scenes_table(found),
            f"{OUTAGE.name}: what the vault is asked during the outage, and answers lost over the whole scene:",
            sizes_table(found),
            f"Other choices for Keyless, with {SIZES[-1]:,} instances:",
            choices_table(tried),
        )
    )
    keep("fleet", {"scenes": found, "choices": tried, "requests_in_10_s": lines}, section)


if __name__ == "__main__":
    main()
