"""The recorder of a link: the ring has what the model may not have heard, and a snapshot is due when something changes."""

from pathlib import Path

from agent.gemini import SoundRing
from agent.gemini.state_recorder import StateRecorder
from tests.agent.gemini.rig import Frame, Rig, connected


def recorder(rig: Rig, told: list[None], ring: SoundRing | None) -> StateRecorder:
    return StateRecorder(rig.continuation, lambda: told.append(None), ring)


def spoken(first: int, last: int) -> bytes:
    return b"".join(Frame(number, loud=True).spoken_pcm for number in range(first, last + 1))


async def test_the_ring_has_what_the_model_may_not_have_heard(tmp_path: Path) -> None:
    """Of a second link too, which LiveKit's next session opens; and of one whose sound began before the ring did."""
    path = tmp_path / "ring"
    with SoundRing(path) as ring:
        for _ in range(2):
            rig = connected()
            rig.caller.says(1, 20)
            keeps = recorder(rig, [], ring)
            rig.caller.says(21, 60)
            keeps.look()
            assert SoundRing.unheard(path).endswith(spoken(21, 60))
            rig.passes(2)
            rig.gemini.understands("Hello.")
            rig.gemini.says("Hello!")
            keeps.look()
            assert SoundRing.unheard(path) == b""
            keeps.close()


async def test_a_snapshot_is_due_when_something_changes_and_not_for_each_frame() -> None:
    rig, told = connected(), list[None]()
    keeps = recorder(rig, told, None)
    seen = []

    def look() -> None:
        keeps.look()
        seen.append(len(told))

    look()
    for number in range(1, 50):
        rig.caller.says(number, number)
        keeps.look()
    look()
    rig.caller.types("Hello?")
    look()
    rig.gemini.says("Well, ")
    look()
    for _ in range(20):
        rig.gemini.says("well, ", 0.01)
        keeps.look()
    look()
    rig.gemini.calls()
    look()
    rig.tools.returns()
    look()
    rig.gemini.gives_handle("h2")
    look()
    keeps.close()
    assert seen == [1, 1, 2, 3, 3, 4, 5, 6]
