"""The modal "Plan rollout": what it offers, what it is filled in with, and what it requires."""

import json

from bot.domain.cluster import ClusterIdentity, Organisation
from bot.domain.policy import RolloutRule
from bot.slack.form.directory import Index
from bot.slack.form.rollout import Counted, Filled, draw, options, prefilled
from bot.slack.payload import Payload
from tests.builders import NEW, a_catalog, a_cluster, a_rule

NOTHING = Counted(waves=((),) * 5, left_out=({},) * 5)


def an_index(clusters: int, environments: int) -> Index:
    return Index(
        [
            a_catalog(
                *(
                    a_cluster(
                        identity=ClusterIdentity(f"id-{number}"),
                        environment=f"env-{number % environments:03}",
                        slug=f"web-{number}",
                    )
                    for number in range(clusters)
                )
            )
        ]
    )


def element(view: Payload, block_id: str) -> Payload:
    (block,) = (one for one in view["blocks"] if one.get("block_id") == block_id)
    return {"optional": block.get("optional", False), **block["element"]}


def offered(groups: object) -> int:
    return json.dumps(groups).count('"value"')


def test_every_cluster_can_be_chosen_however_many_environments_there_are() -> None:
    """A static select takes 100 options: above that the field is searched, and below it nothing is cut."""
    few = element(draw(Filled(), NOTHING, an_index(99, 1), [NEW]), "rollout_wave_0")
    wide = element(draw(Filled(), NOTHING, an_index(50, 50), [NEW]), "rollout_wave_0")
    deep = element(draw(Filled(), NOTHING, an_index(100, 12), [NEW]), "rollout_wave_0")
    broad = element(draw(Filled(), NOTHING, an_index(60, 60), [NEW]), "rollout_wave_0")

    assert (few["type"], offered(few["option_groups"])) == ("multi_static_select", 100)
    assert (wide["type"], offered(wide["option_groups"])) == ("multi_static_select", 100)
    assert {deep["type"], broad["type"]} == {"multi_external_select"}
    assert offered(options(an_index(300, 80))) == 100
    assert "id-299" in json.dumps(options(an_index(300, 80), "web-299"))


def test_a_reason_is_required_where_an_environment_demands_one() -> None:
    index = an_index(2, 2)
    free = draw(Filled(), NOTHING, index, [NEW], [a_rule()])
    strict = draw(Filled(), NOTHING, index, [NEW], [a_rule(), a_rule(reason_required=True)])

    assert element(free, "rollout_reason")["optional"] is True
    assert element(strict, "rollout_reason")["optional"] is False


def test_the_policys_waves_fill_in_the_environments_of_one_organisation_only() -> None:
    """Entries name an environment, or one of an organisation; waves of which nothing is there leave no gap."""
    catalogs = [
        a_catalog(
            *(
                a_cluster(
                    organisation=Organisation(organisation),
                    identity=ClusterIdentity(f"{organisation}-{name}"),
                    environment=name,
                )
                for name in names
            ),
            organisation=Organisation(organisation),
        )
        for organisation, names in (("acme", ["staging"]), ("globex", ["staging", "production"]))
    ]
    rule = RolloutRule(waves=(("development",), ("staging",), ("globex/production", "acme/production")))

    filled = prefilled(rule, Index(catalogs))

    assert filled.waves == (("env:globex/staging",), ("env:globex/production",), (), (), ())
