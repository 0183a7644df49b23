"""The metrics, following Prometheus' conventions: base units, `_total` for counters, UNIX timestamps."""

import math
import platform
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from bot.observe.build import DISTRIBUTION, version_of

REGISTRY: Final = CollectorRegistry()

GCCollector(registry=REGISTRY)
ProcessCollector(registry=REGISTRY)

BUILD: Final = Gauge(
    "upgrade_bot_build_info", "Always 1; its labels say what runs.", ["version", "python"], registry=REGISTRY
)
BUILD.labels(version_of(DISTRIBUTION), platform.python_version()).set(1)

ACK_SECONDS: Final = Histogram(
    "upgrade_bot_ack_seconds",
    "From Slack's delivery to our acknowledgement; Slack waits 3 seconds.",
    ["kind"],  # command, block_actions, view_submission, block_suggestion, event
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
    registry=REGISTRY,
)
TOLD_SECONDS: Final = Histogram(
    "upgrade_bot_told_seconds",
    "From the moment something was stored as to be told until Slack confirmed the message.",
    ["kind"],  # card, thread, channel, direct, private, home
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
    registry=REGISTRY,
)
DELIVERIES: Final = Counter(
    "upgrade_bot_deliveries_total",
    "What was to be told, and what became of it.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
QUEUE_ENTRIES: Final = Gauge("upgrade_bot_queue_entries", "What waits, by box.", ["box"], registry=REGISTRY)
QUEUE_OLDEST_SECONDS: Final = Gauge(
    "upgrade_bot_queue_oldest_age_seconds", "How long the oldest entry that is due has waited.", ["box"],
    registry=REGISTRY,
)  # fmt: skip
DEAD_LETTERS: Final = Gauge(
    "upgrade_bot_dead_letters", "What was given up and needs a person, by box.", ["box"], registry=REGISTRY
)
CHECK_OK: Final = Gauge(
    "upgrade_bot_check_ok", "1 while a check of /readyz is well, 0 while it is not.", ["check"], registry=REGISTRY
)
CLOUD_CALLS: Final = Counter(
    "upgrade_bot_cloud_calls_total", "Calls to Avisi Cloud by outcome.", ["call", "outcome"], registry=REGISTRY
)
SLACK_CALLS: Final = Counter(
    "upgrade_bot_slack_calls_total", "Calls to Slack's Web API by outcome.", ["method", "outcome"], registry=REGISTRY
)
RATE_LIMITED: Final = Counter(
    "upgrade_bot_rate_limited_total", "Answers that told us to slow down (429).", ["side"], registry=REGISTRY
)
POLL_SECONDS: Final = Histogram(
    "upgrade_bot_poll_seconds", "How long one poll of an organisation took.", ["organisation"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60), registry=REGISTRY,
)  # fmt: skip
POLL_SUCCESS: Final = Gauge(
    "upgrade_bot_poll_success_timestamp_seconds",
    "When statuses were last read; 0 before the first time.",
    ["organisation"],
    registry=REGISTRY,
)
CATALOG_SUCCESS: Final = Gauge(
    "upgrade_bot_catalog_success_timestamp_seconds", "When the catalog was last read; 0 before the first time.",
    ["organisation"], registry=REGISTRY,
)  # fmt: skip
UPGRADES: Final = Gauge(
    "upgrade_bot_upgrades", "Scheduled upgrades by the cloud's status.", ["status"], registry=REGISTRY
)
REQUESTS: Final = Gauge("upgrade_bot_requests", "Requests by state.", ["state"], registry=REGISTRY)
ROLLOUTS: Final = Gauge("upgrade_bot_rollouts", "Rollouts by state.", ["state"], registry=REGISTRY)
SOCKET_CONNECTED: Final = Gauge(
    "upgrade_bot_socket_connected",
    "1 while Slack's Socket Mode connection stands; NaN in HTTP mode.",
    registry=REGISTRY,
)
SOCKET_CONNECTED.set(math.nan)
REQUESTS_REFUSED: Final = Counter(
    "upgrade_bot_requests_refused_total",
    "Requests to Slack's address that were refused before anything was done, by the status they got.",
    ["status"],
    registry=REGISTRY,
)
CONNECTIONS_CLOSED: Final = Counter(
    "upgrade_bot_connections_closed_total",
    "Connections that were closed because what they had not proven held too much.",
    ["why"],  # slow, idle, crowded out, too large, stopping
    registry=REGISTRY,
)
ALERTS_REFUSED: Final = Counter(
    "upgrade_bot_alerts_refused_total",
    "How often Slack refused a form because of an alert block; from then on the process draws paragraphs.",
    registry=REGISTRY,
)
CLOCK_SET: Final = Counter(
    "upgrade_bot_clock_set_total", "How often this machine's clock was set, by two seconds or more.", registry=REGISTRY
)
LEASES: Final = Gauge("upgrade_bot_leases", "Queues that some process works on now.", registry=REGISTRY)
LEASES_LOST: Final = Counter(
    "upgrade_bot_leases_lost_total", "Queues that another process took over from this one.", registry=REGISTRY
)
