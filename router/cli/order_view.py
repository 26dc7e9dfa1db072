"""A routed order in the terminal: its way while it runs, and what became of it."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from router.cli.output import table
from router.domain.amounts import Amount
from router.domain.orders import OrderState, OrderStatus, SwapMode
from router.execution.events import OrderEvent

STATUS_STYLES = {
    OrderStatus.SETTLED: "green",
    OrderStatus.PARTLY_SETTLED: "yellow",
    OrderStatus.RETURNED: "red",
}


class OrderProgress:
    """Prints each thing that happens to an order once, with a spinner for what is awaited."""

    def __init__(self, console: Console, *, silent: bool = False) -> None:
        self._silent = silent
        self._spinner = Spinner("dots", text=Text("quoting ..."))
        self._live = Live(self._spinner, console=console, transient=True, refresh_per_second=10)

    def __enter__(self) -> Self:
        if not self._silent:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._silent:
            self._live.stop()

    def on_event(self, event: OrderEvent) -> None:
        """Print one event of the order."""
        if self._silent:
            return
        facts = "  ".join(f"{name} {value}" for name, value in event.facts.items() if value)
        try:
            self._live.console.print(Text.assemble((f"{event.kind:>12}", "bold"), f"  {facts}"))
        except OSError:
            # Nobody can read on; the order goes on all the same, and its end is told by the exit.
            self._silent = True
        self._spinner.update(text=Text(f"{event.kind} ..."))

    def on_step(self, step: str, intent_id: str) -> None:
        """Show which durable step the transaction reached."""
        if not self._silent:
            self._spinner.update(text=Text(f"transaction {intent_id} {step} ..."))


def print_order(console: Console, state: OrderState) -> None:
    order = state.order
    spent = Amount(state.spent_units, order.asset_in)
    received = Amount(state.received_units, order.asset_out)
    style = STATUS_STYLES.get(state.status, "yellow")
    line = Text.assemble(
        f"order {order.order_id}: ", (str(state.status), style), f", {spent} -> {received}"
    )
    if state.reason:
        line.append(f" ({state.reason})")
    console.print(line)
    if not state.status.is_final:
        console.print("it is not final yet; the next command that writes goes on with it")


def orders_table(states: list[OrderState]) -> Table:
    """Show what was asked for and what was traded, exactly."""
    right = frozenset({"order", "traded"})
    made = table("orders", "id", "account", "order", "traded", "status", right=right)
    for state in states:
        order = state.order
        is_exact_in = order.mode is SwapMode.EXACT_IN
        fixed = Amount(order.amount_units, order.asset_in if is_exact_in else order.asset_out)
        spent = Amount(state.spent_units, order.asset_in)
        received = Amount(state.received_units, order.asset_out)
        made.add_row(
            order.order_id,
            order.account,
            f"{'sell' if is_exact_in else 'buy'} {fixed}",
            f"{spent}\n→ {received}",
            Text(str(state.status), style=STATUS_STYLES.get(state.status, "yellow")),
        )
    return made
