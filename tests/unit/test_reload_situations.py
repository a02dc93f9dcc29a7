"""situations.yaml is swapped, kept, held and rolled back like a flow; flows carry the scripts that are live."""

from collections.abc import Iterator

import pytest

from ari_app.errors import ConfigError
from ari_app.flow.model import LoadedFlow
from ari_app.model.effects import Reply
from ari_app.model.events import FlowsLoaded
from ari_app.model.ids import RequestId
from ari_app.replay import recalled
from ari_app.store import flows as store
from tests.unit.test_reload import House as FlowHouse

MAIN = """start: quiet
nodes:
  quiet: {type: situation, situation: silent, on_life: bye}
  bye: {type: hangup, say: [goodbye]}
"""
SCRIPTS = """situations:
  silent:
    title: {zh-CN: "无声", en: "Silent"}
    who: [machine]
    when: {zh-CN: "没有声音", en: "No sound"}
    allowed: [in-flow]
    steps: [{say: [no-key]}, hang-up]
"""
V2 = SCRIPTS.replace("[no-key]", "[wrong-key]")


class House(FlowHouse):
    """`offered`: the flows of the last swap."""

    offered: tuple[LoadedFlow, ...] = ()

    async def ask(self, event: FlowsLoaded, flows) -> Reply:
        self.offered = tuple(flows)
        self.tell(event)
        return Reply(RequestId("r"), True, "live")

    def said(self) -> str:
        """What the script says in the flows offered last."""
        (step, _) = self.offered[0].situations.named["silent"].steps
        return step.say[0]  # type: ignore[union-attr]


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    house = House(tmp_path)
    house.write(MAIN)
    house.write(SCRIPTS, "situations")
    yield house
    house.journal.close()


async def test_an_edit_is_live_and_kept_with_its_prompts(house):
    keeper = await house.started()
    house.write(V2, "situations")
    assert (await keeper.reload("li")).startswith("situations: ")
    assert house.said() == "wrong-key" and house.offered[0].name == "main"
    new, old = store.versions(house.site.store, "situations")
    assert (new.is_live, old.is_live) == (True, False)
    assert (set(new.prompts), set(old.prompts)) == ({"wrong-key"}, {"no-key"})
    assert await keeper.reload("li") == "nothing has changed"
    assert [flow["name"] for flow in keeper.listed()] == ["main"]


async def test_a_bad_edit_changes_nothing(house):
    keeper = await house.started()
    house.write(V2.replace("hang-up", "hang up"), "situations")
    with pytest.raises(ConfigError, match=r"situations\.yaml:7:33  S007"):
        await keeper.reload("li")
    house.write("situations: {}", "situations")
    with pytest.raises(ConfigError, match=r"(?s)main\.yaml:3:39  F003.*situations\.yaml:1:13  S007"):
        await keeper.reload("li")
    assert len(house.told) == 1 and not keeper.health()[0]


async def test_a_roll_back_holds_until_the_file_differs(house):
    keeper = await house.started()
    house.write(V2, "situations")
    await keeper.reload("li")
    assert "held until situations.yaml changes" in await keeper.rollback("situations", "", "li")
    assert house.said() == "no-key"
    await keeper._automatic("watch")
    assert house.said() == "no-key" and keeper.live.held
    house.down()
    again = await house.started()
    assert again.live.held and again.live.flows["main"].situations.named["silent"].steps[0].say == ("no-key",)
    house.write(V2.replace("hang-up]", "{wait_s: 3}, hang-up]"), "situations")
    await again._automatic("watch")
    assert not again.live.held


async def test_a_restart_with_a_bad_file_goes_on_with_the_scripts_of_before(house):
    await house.started()
    house.down()
    house.write("situations: [", "situations")
    keeper = await house.started()
    assert keeper.problems and keeper.live.flows["main"].situations.named["silent"].steps[-1] == "hang-up"


async def test_flows_may_go_on_without_the_file(house):
    keeper = await house.started()
    house.write(
        MAIN.replace("quiet\n", "bye\n").replace("  quiet: {type: situation, situation: silent, on_life: bye}\n", "")
    )
    (house.folder / "flows" / "situations.yaml").unlink()
    assert "situations: removed" in await keeper.reload("li")
    assert house.offered[0].situations.named == {}


async def test_a_replay_finds_the_scripts_of_its_day(house):
    keeper = await house.started()
    first = house.told[0]
    house.write(V2, "situations")
    await keeper.reload("li")
    flows = list(recalled(house.site)(first))
    assert flows[0].situations.named["silent"].steps[0].say == ("no-key",)
    assert dict(first.versions)["situations"] == flows[0].situations.version


async def test_no_number_can_lead_to_it(house):
    await house.started()
    config = house.folder / "config.yaml"
    config.write_text(config.read_text().replace("{flow: main}", "{flow: situations}"))
    with pytest.raises(ConfigError, match="no flow 'situations'"):
        _ = house.site
