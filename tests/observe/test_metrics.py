"""The metrics page: every name is there, and follows the conventions."""

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.observe import metrics


def test_everything_an_operator_needs_has_a_name_from_the_start() -> None:
    names = {family.name for family in text_string_to_metric_families(generate_latest(metrics.REGISTRY).decode())}

    assert {
        "upgrade_bot_build_info",
        "upgrade_bot_ack_seconds",
        "upgrade_bot_told_seconds",
        "upgrade_bot_queue_entries",
        "upgrade_bot_queue_oldest_age_seconds",
        "upgrade_bot_dead_letters",
        "upgrade_bot_cloud_calls",
        "upgrade_bot_slack_calls",
        "upgrade_bot_rate_limited",
        "upgrade_bot_poll_seconds",
        "upgrade_bot_poll_success_timestamp_seconds",
        "upgrade_bot_catalog_success_timestamp_seconds",
        "upgrade_bot_upgrades",
        "upgrade_bot_requests",
        "upgrade_bot_rollouts",
        "upgrade_bot_socket_connected",
        "upgrade_bot_clock_set",
        "upgrade_bot_leases",
        "upgrade_bot_leases_lost",
    } <= names


def test_every_metric_of_ours_says_what_it_means() -> None:
    for family in text_string_to_metric_families(generate_latest(metrics.REGISTRY).decode()):
        assert family.documentation, family.name
