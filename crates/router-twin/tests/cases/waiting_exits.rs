//! Exits of a bracket whose head is done while nothing may be activated.

use router_core::engine::{Command, Phase, Tif};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE};

/// A bracket of account 1: the head buys 10 at 100 and got 4, exits at 110 and 90; ids 1 to 3. #4 was
/// the offer that it bought.
fn partly_filled(tif: Tif) -> Script {
    let mut script = Script::plain();
    script.bracket(
        [
            buy(1, 100, 10).tif(tif),
            sell(1, 110, 10),
            sell(1, 0, 10).stop(90),
        ],
        "accept #1 a1 buy 100x10
         accept #2 a1 sell 110x10 pending
         accept #3 a1 sell 0x10 pending
         rest #1 a1 buy 100x10/10",
    );
    script.book(&[sell(2, 100, 4)]);
    script
}

const ACTIVATED: &str = "phase Continuous
    activate #2 a1 sell 110x4
    activate #3 a1 sell 0x4
    arm #3 a1 sell 90x4
    rest #2 a1 sell 110x4/4";

#[test]
fn exits_of_a_head_that_is_cancelled_while_halted_wait_for_continuous_trading() {
    let mut script = partly_filled(Tif::Gtc);
    script.phase(Phase::Halted, "phase Halted");
    script.cancel(1, 1, "cancel #1 a1 buy 100x6 Requested");
    script.phase(Phase::Auction, "phase Auction");
    script.phase(Phase::Continuous, ACTIVATED);
    script.phase(Phase::Continuous, "phase Continuous");
}

#[test]
fn exits_of_a_head_that_expires_at_the_close_wait_for_the_next_day() {
    let mut script = partly_filled(Tif::Day);
    script.phase(
        Phase::Closed,
        "phase Closed
         cancel #1 a1 buy 100x6 Expired",
    );
    script.phase(Phase::Closed, "phase Closed");
    script.phase(Phase::Continuous, ACTIVATED);
}

#[test]
fn a_waiting_exit_has_the_filled_lots_and_takes_its_sibling_with_it() {
    let mut script = partly_filled(Tif::Gtc);
    script.phase(Phase::Halted, "phase Halted");
    script.cancel(1, 1, "cancel #1 a1 buy 100x6 Requested");
    script.amend(1, 2, (0, 3), "reject a1 Linked #2");
    script.cancel(
        1,
        2,
        "cancel #2 a1 sell 110x4 Requested
         cancel #3 a1 sell 0x4 Linked",
    );
    script.phase(Phase::Continuous, "phase Continuous");
}

#[test]
fn waiting_pairs_come_to_life_in_order_of_their_take_profits() {
    let mut script = Script::plain();
    for (account, id, price) in [(1, 1, 100), (3, 5, 101)] {
        let (profit, stop) = (id + 1, id + 2);
        script.bracket(
            [
                buy(account, price, 5),
                sell(account, price + 10, 5),
                sell(account, 0, 5).stop(90),
            ],
            &format!(
                "accept #{id} a{account} buy {price}x5
                 accept #{profit} a{account} sell {}x5 pending
                 accept #{stop} a{account} sell 0x5 pending
                 rest #{id} a{account} buy {price}x5/5",
                price + 10
            ),
        );
        script.book(&[sell(2, price, 2)]);
    }
    script.phase(Phase::Halted, "phase Halted");
    script.cancel(3, 5, "cancel #5 a3 buy 101x3 Requested");
    script.cancel(1, 1, "cancel #1 a1 buy 100x3 Requested");
    script.phase(
        Phase::Continuous,
        "phase Continuous
         activate #2 a1 sell 110x2
         activate #3 a1 sell 0x2
         arm #3 a1 sell 90x2
         rest #2 a1 sell 110x2/2
         activate #6 a3 sell 111x2
         activate #7 a3 sell 0x2
         arm #7 a3 sell 90x2
         rest #6 a3 sell 111x2/2",
    );
}

#[test]
fn a_head_that_the_uncross_fills_activates_after_the_uncross() {
    let mut script = partly_filled(Tif::Gtc);
    script.phase(Phase::Auction, "phase Auction");
    script.book(&[sell(2, 100, 6)]);
    script.phase(
        Phase::Continuous,
        "phase Continuous
         trade #1 a1 buy with #5 a2: 100x6 left 0 done auction
         uncross 100x6 surplus 0
         activate #2 a1 sell 110x10
         activate #3 a1 sell 0x10
         arm #3 a1 sell 90x10
         rest #2 a1 sell 110x10/10",
    );
}

#[test]
fn a_waiting_stop_that_the_uncross_meets_fires_after_its_activation() {
    let mut script = partly_filled(Tif::Gtc);
    script.phase(Phase::Auction, "phase Auction");
    script.cancel(1, 1, "cancel #1 a1 buy 100x6 Requested");
    script.book(&[buy(2, 85, 3), sell(3, 85, 1)]);
    script.phase(
        Phase::Continuous,
        "phase Continuous
         trade #5 a2 buy with #6 a3: 85x1 left 2 done auction
         uncross 85x1 surplus 2
         activate #2 a1 sell 110x4
         activate #3 a1 sell 0x4
         arm #3 a1 sell 90x4
         rest #2 a1 sell 110x4/4
         trigger #3 a1 sell 0x4
         cancel #2 a1 sell 110x4 Linked
         trade #3 a1 sell with #5 a2: 85x2 left 2 done
         cancel #3 a1 sell 0x2 Unfilled",
    );
}

#[test]
fn a_mass_cancel_removes_what_waits() {
    let mut script = partly_filled(Tif::Gtc);
    script.phase(Phase::Halted, "phase Halted");
    script.tell(
        &[Command::MassCancel {
            account: Some(1),
            side: None,
            instrument: None,
        }],
        "configured MassCancel a1
         cancel #1 a1 buy 100x6 MassCancel
         cancel #2 a1 sell 110x4 MassCancel
         cancel #3 a1 sell 0x4 Linked",
    );
    script.phase(Phase::Continuous, "phase Continuous");
}

#[test]
fn in_continuous_trading_a_mass_cancel_leaves_nothing_to_activate() {
    let mut script = partly_filled(Tif::Gtc);
    script.tell(
        &[Command::MassCancel {
            account: Some(1),
            side: None,
            instrument: None,
        }],
        "configured MassCancel a1
         cancel #1 a1 buy 100x6 MassCancel
         cancel #2 a1 sell 110x4 MassCancel
         cancel #3 a1 sell 0x4 Linked",
    );
}

#[test]
fn exits_that_funds_pay_no_lot_of_are_cancelled_with_the_filled_lots() {
    let mut script = Script::funded(1, 1);
    script.deposit(1, BASE, 10);
    script.deposit(2, QUOTE, 1_000);
    script.bracket(
        [sell(1, 10, 10), buy(1, 5, 10), buy(1, 41, 10).stop(15)],
        "accept #1 a1 sell 10x10
         accept #2 a1 buy 5x10 pending
         accept #3 a1 buy 41x10 pending
         rest #1 a1 sell 10x10/10",
    );
    script.book(&[buy(2, 10, 4)]);
    script.cancel(
        1,
        1,
        "cancel #1 a1 sell 10x6 Requested
         cancel #2 a1 buy 5x4 InsufficientFunds
         cancel #3 a1 buy 41x4 InsufficientFunds",
    );
}
