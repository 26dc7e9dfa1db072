// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {TestToken} from "./TestToken.sol";

/// @title An ERC-20 that takes a fee out of every transfer.
/// @notice The receiver gets less than the amount sent; the difference goes to `sink`.
contract FeeToken is TestToken {
    error FeeOutOfRange(uint256 feeBps);

    /// @notice Fee per transfer in 1/10_000 of the amount, rounded down.
    uint256 public immutable feeBps;

    /// @notice The account that collects the fees; transfers from and to it are free.
    address public immutable sink;

    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address owner_,
        uint256 feeBps_,
        address sink_
    ) TestToken(name_, symbol_, decimals_, owner_) {
        if (feeBps_ > 10_000) revert FeeOutOfRange(feeBps_);
        feeBps = feeBps_;
        sink = sink_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        uint256 fee = (from == sink || to == sink) ? 0 : (amount * feeBps) / 10_000;
        if (fee > 0) super._move(from, sink, fee);
        super._move(from, to, amount - fee);
    }
}
