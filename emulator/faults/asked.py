"""The faults that an emulator has been asked for, shared by all its connections."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from emulator.errors import FaultError, FaultNotHappenedError
from emulator.faults.fault import Fault, Tally, Upgrade, UpgradeFault
from emulator.messages import Json

_MOST_ASKED = 1000


class ConnectionFaults:
    """The faults of one connection. Faults that are asked for later join them, cleared ones leave."""

    def __init__(self, model: str, handle: str | None, wake: Callable[[], None]) -> None:
        self.handle = handle
        self._model = model
        self._wake = wake
        self.faults: list[Fault] = []
        """Faults that have begun. The list is replaced, never changed: a walk over it goes on undisturbed."""
        self._new: list[Fault] = []

    def join(self, tally: Tally) -> None:
        """Add a fault, if it is meant for this connection. It begins with `take_new`."""
        if tally.selects(self._model):
            self._new.append(tally.fault.copy(tally))
            self._wake()

    def drop_withdrawn(self) -> None:
        self.faults = [fault for fault in self.faults if not fault.tally.withdrawn]
        self._new = [fault for fault in self._new if not fault.tally.withdrawn]
        self._wake()

    def take_new(self) -> list[Fault]:
        """The faults that have to begin now."""
        new, self._new = self._new, []
        if new:
            self.faults = [*self.faults, *new]
        return new

    def forgets(self) -> bool:
        """Whether the service has forgotten the session, although it accepted the handle."""
        handle = self.handle
        return handle is not None and any(fault.forgets(handle) for fault in (*self.faults, *self._new))


class Faults:
    """The faults that are asked for, and how often each has happened. At most a thousand at a time: more are refused."""

    def __init__(self, asked: Iterable[Fault] = ()) -> None:
        self._asked: list[Tally] = []
        self._connections: list[ConnectionFaults] = []
        for fault in asked:
            self.add(fault)

    def add(self, fault: Fault) -> Tally:
        """Ask for a fault. It takes effect on the running connections, too.

        Raises:
            FaultError: too many are asked for.
        """
        if len(self._asked) >= _MOST_ASKED:
            raise FaultError(
                f"fault {fault.name}: {_MOST_ASKED} faults are asked for already; clear them first (DELETE /faults)"
            )
        tally = Tally(fault)
        self._asked.append(tally)
        if not isinstance(fault, UpgradeFault):
            for connection in self._connections:
                connection.join(tally)
        return tally

    def clear(self) -> None:
        """Withdraw all faults and forget their counts. A connection that was held up goes on."""
        self._withdraw(self._asked)

    def upgrade(self) -> Upgrade:
        """The effect of the faults on a request for an upgrade, which is counted."""
        met = [
            tally.fault.upgrade()
            for tally in self._asked
            if isinstance(tally.fault, UpgradeFault) and tally.selects("") and tally.happens()
        ]
        return Upgrade(sum(each.delay_s for each in met), next((each.status for each in met if each.status), None))

    def for_connection(self, model: str, handle: str | None, wake: Callable[[], None] = lambda: None) -> ConnectionFaults:
        """The faults of a new connection whose setup was accepted, until it is handed to `leave`.

        `wake` is called when there is something to do for the connection's conversation at once: `advance` it.
        """
        in_force = ConnectionFaults(model, handle, wake)
        self._connections.append(in_force)
        for tally in self._asked:
            if not isinstance(tally.fault, UpgradeFault):
                in_force.join(tally)
        return in_force

    def leave(self, in_force: ConnectionFaults) -> None:
        """Forget a connection that is gone."""
        self._connections.remove(in_force)

    def report(self) -> list[Json]:
        """All faults: name, parameters, how often `asked` for and how often `happened`; equal faults are added up."""
        kinds: list[Json] = []
        sums: list[tuple[int, int]] = []
        for tally in self._asked:
            kind = {"name": tally.fault.name, "parameters": tally.fault.parameters()}
            if kind not in kinds:
                kinds.append(kind)
                sums.append((0, 0))
            at = kinds.index(kind)
            asked, happened = sums[at]
            sums[at] = asked + 1, happened + tally.happened
        return [{**kind, "asked": asked, "happened": happened} for kind, (asked, happened) in zip(kinds, sums, strict=True)]

    def check_happened(self) -> None:
        """Check that every fault has happened, at the end of a test that asked for it.

        Raises:
            FaultNotHappenedError: a fault has never happened.
        """
        _check(self._asked)

    @contextmanager
    def expecting(self, *faults: Fault) -> Iterator[None]:
        """Ask for faults for the time of a block, in which each must happen.

        Raises:
            FaultNotHappenedError: the block was left without an error, and a fault has not happened.
        """
        asked = [self.add(fault) for fault in faults]
        try:
            yield
            _check(asked)
        finally:
            self._withdraw(asked)

    def _withdraw(self, asked: list[Tally]) -> None:
        for tally in asked:
            tally.withdraw()
        self._asked = [tally for tally in self._asked if not tally.withdrawn]
        for connection in self._connections:
            connection.drop_withdrawn()


def _check(asked: list[Tally]) -> None:
    missing = [tally.fault.name for tally in asked if not tally.happened]
    if missing:
        raise FaultNotHappenedError(missing)
