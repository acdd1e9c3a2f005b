"""Numbers for monitoring: one registry object that is passed around. Labels never hold anything about a person."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

ACKNOWLEDGED_WITHIN_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Metrics:
    """What the program counts. Labels: `channel` by its name, `state` as in the table of deliveries."""

    registry: CollectorRegistry
    messages_received: Counter
    turns: Counter
    turn_failures: Counter
    dead_letters: Counter
    deliveries: Counter
    acknowledgement_s: Histogram
    waiting: Gauge

    def render(self) -> bytes:
        """Return everything in the text form that Prometheus reads."""
        return generate_latest(self.registry)


def make_metrics() -> Metrics:
    """Return new counters, all at zero, in a registry of their own."""
    registry = CollectorRegistry()
    return Metrics(
        registry=registry,
        messages_received=Counter(
            "lantoa_messages_received", "Messages stored in the inbox.", ["channel"], registry=registry
        ),
        turns=Counter("lantoa_turns", "Turns committed.", registry=registry),
        turn_failures=Counter("lantoa_turn_failures", "Turns that failed and are tried again.", registry=registry),
        dead_letters=Counter("lantoa_dead_letters", "Messages given up until replayed.", registry=registry),
        deliveries=Counter("lantoa_deliveries", "Deliveries that reached a state.", ["state"], registry=registry),
        acknowledgement_s=Histogram(
            "lantoa_acknowledgement_seconds",
            "From the arrival of a message to its acknowledgement.",
            buckets=ACKNOWLEDGED_WITHIN_S,
            registry=registry,
        ),
        waiting=Gauge("lantoa_inbox_waiting", "Messages waiting for their turn.", registry=registry),
    )
