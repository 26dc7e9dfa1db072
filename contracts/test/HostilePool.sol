// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {RouteExecutor} from "../src/RouteExecutor.sol";
import {SafeTransfer} from "../src/SafeTransfer.sol";
import {LyingToken} from "./LyingToken.sol";

/// @title A pool of either kind that misbehaves in one chosen way.
contract HostilePool {
    using SafeTransfer for address;

    enum Mode {
        Honest,
        AskMore,
        AskLess,
        AskNothing,
        AskForOutput,
        AskTwice,
        TakeWithoutPaying,
        SkipCallback,
        Reenter,
        SendAccomplice,
        CallBackLate
    }

    Mode public immutable mode;
    address public immutable tokenOut;
    uint256 public immutable amountOut;
    HostilePool public accomplice;
    LyingToken public lyingToken;

    constructor(Mode mode_, address tokenOut_, uint256 amountOut_) {
        mode = mode_;
        tokenOut = tokenOut_;
        amountOut = amountOut_;
    }

    function setAccomplice(HostilePool accomplice_) external {
        accomplice = accomplice_;
    }

    function setLyingToken(LyingToken lyingToken_) external {
        lyingToken = lyingToken_;
    }

    /// @notice Calls the executor's callback from this address, whoever's swap is running.
    function attack(RouteExecutor executor, int256 delta0, int256 delta1) public {
        executor.uniswapV3SwapCallback(delta0, delta1, "");
    }

    /// @notice The V3 entry.
    function swap(address recipient, bool zeroForOne, int256 amountIn, uint160, bytes calldata)
        external
        returns (int256, int256)
    {
        RouteExecutor executor = RouteExecutor(msg.sender);
        if (mode != Mode.TakeWithoutPaying) tokenOut.safeTransfer(recipient, amountOut);
        if (mode == Mode.SkipCallback) return (0, 0);
        if (mode == Mode.CallBackLate) {
            lyingToken.take(msg.sender, uint256(amountIn));
            return (0, 0);
        }
        if (mode == Mode.Reenter) _reenter(executor);
        HostilePool caller = mode == Mode.SendAccomplice ? accomplice : this;

        (int256 asked, int256 paid) = (amountIn, -int256(amountOut));
        if (mode == Mode.AskMore) asked = amountIn + 1;
        if (mode == Mode.AskLess) asked = amountIn - 1;
        if (mode == Mode.AskNothing) (asked, paid) = (int256(0), int256(0));
        if (mode == Mode.AskForOutput) (asked, paid) = (-amountIn, int256(amountOut));
        if (!zeroForOne) (asked, paid) = (paid, asked);
        caller.attack(executor, asked, paid);
        if (mode == Mode.AskTwice) caller.attack(executor, asked, paid);
        return (asked, paid);
    }

    /// @notice The V2 entry; keeps the input and pays only when honest.
    function swap(uint256, uint256, address to, bytes calldata) external {
        if (mode == Mode.Reenter) _reenter(RouteExecutor(msg.sender));
        if (mode == Mode.CallBackLate) attack(RouteExecutor(msg.sender), 1e18, 1e18);
        if (mode != Mode.TakeWithoutPaying) tokenOut.safeTransfer(to, amountOut);
    }

    function getReserves() external pure returns (uint112, uint112, uint32) {
        return (1e18, 1e18, 0);
    }

    function _reenter(RouteExecutor executor) private {
        RouteExecutor.Plan memory plan;
        executor.execute(plan, "");
    }
}
