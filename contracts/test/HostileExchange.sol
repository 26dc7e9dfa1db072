// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {RouteExecutor} from "../src/RouteExecutor.sol";
import {SafeTransfer} from "../src/SafeTransfer.sol";
import {IBalancerVault} from "../src/interfaces/IBalancerVault.sol";
import {IUnlockCallback, IPoolManager} from "../src/interfaces/IUniswapV4.sol";
import {LyingToken} from "./LyingToken.sol";

interface IERC20Pull {
    function transferFrom(address from, address to, uint256 amount) external;
}

/// @title A V4 pool manager, a Curve pool and a Balancer vault that misbehave in one chosen way.
contract HostileExchange {
    using SafeTransfer for address;

    enum Mode {
        Honest,
        AskMore,
        AskLess,
        AskTwice,
        TakeMore,
        TakeLess,
        TakeNothing,
        TakeOtherwise,
        TakeWithoutPaying,
        PromiseMore,
        Reenter,
        SendAccomplice,
        CallOtherCallback,
        SwapOtherTokens
    }

    Mode public immutable mode;
    address public immutable tokenIn;
    address public immutable tokenOut;
    uint256 public immutable amountOut;
    HostileExchange public accomplice;

    constructor(Mode mode_, address tokenIn_, address tokenOut_, uint256 amountOut_) {
        mode = mode_;
        tokenIn = tokenIn_;
        tokenOut = tokenOut_;
        amountOut = amountOut_;
    }

    function setAccomplice(HostileExchange accomplice_) external {
        accomplice = accomplice_;
    }

    /// @notice Calls the executor's V4 callback from this address, whoever's swap is running.
    function attack(RouteExecutor executor, bytes calldata callbackData) external {
        executor.unlockCallback(callbackData);
    }

    /// @notice The V4 entry.
    function unlock(bytes calldata callbackData) external returns (bytes memory) {
        RouteExecutor executor = RouteExecutor(msg.sender);
        if (mode == Mode.Reenter) _reenter(executor);
        if (mode == Mode.TakeNothing) {
            _pay(msg.sender);
            return "";
        }
        if (mode == Mode.CallOtherCallback) executor.uniswapV3SwapCallback(1e18, 1e18, "");
        if (mode == Mode.SendAccomplice) {
            accomplice.attack(executor, callbackData);
            return "";
        }
        bytes memory handed = callbackData;
        if (mode == Mode.SwapOtherTokens) {
            handed = abi.encode(
                IPoolManager.PoolKey(address(this), address(accomplice), 0, 1, address(0)), true
            );
        }
        IUnlockCallback(msg.sender).unlockCallback(handed);
        if (mode == Mode.AskTwice) IUnlockCallback(msg.sender).unlockCallback(handed);
        return "";
    }

    /// @notice V4's swap: the two halves of the answer are the changes of the two currencies.
    function swap(
        IPoolManager.PoolKey calldata,
        IPoolManager.SwapParams calldata params,
        bytes calldata
    ) external view returns (int256) {
        int256 asked = params.amountSpecified;
        if (mode == Mode.AskMore) asked -= 1;
        if (mode == Mode.AskLess) asked += 1;
        int256 paid = int256(mode == Mode.PromiseMore ? 2 * amountOut : amountOut);
        (int256 high, int256 low) = params.zeroForOne ? (asked, paid) : (paid, asked);
        return (high << 128) | int256(uint256(uint128(int128(low))));
    }

    /// @notice The V3 entry: tries to be paid by V4's callback.
    function swap(address, bool, int256, uint160, bytes calldata)
        external
        returns (int256, int256)
    {
        IUnlockCallback(msg.sender).unlockCallback("");
        return (0, 0);
    }

    function sync(address) external {}

    function settle() external payable returns (uint256) {
        return 0;
    }

    function take(address, address to, uint256) external {
        if (mode != Mode.TakeWithoutPaying) _pay(to);
    }

    /// @notice The Curve entry of StableSwap pools; returns nothing, as the old ones.
    function exchange(int128, int128, uint256 dx, uint256) external {
        _exchange(dx);
    }

    /// @notice The Curve entry of crypto pools.
    function exchange(uint256, uint256, uint256 dx, uint256) external returns (uint256) {
        _exchange(dx);
        return amountOut;
    }

    /// @notice The Balancer entry.
    function swap(
        IBalancerVault.SingleSwap calldata singleSwap,
        IBalancerVault.FundManagement calldata,
        uint256,
        uint256
    ) external payable returns (uint256) {
        _exchange(singleSwap.amount);
        return mode == Mode.PromiseMore ? 2 * amountOut : amountOut;
    }

    function _exchange(uint256 amountIn) private {
        if (mode == Mode.Reenter) _reenter(RouteExecutor(msg.sender));
        if (mode == Mode.CallOtherCallback) {
            RouteExecutor(msg.sender).uniswapV3SwapCallback(1e18, 1e18, "");
        }
        if (mode == Mode.SendAccomplice) accomplice.attack(RouteExecutor(msg.sender), "");
        if (mode == Mode.TakeOtherwise) {
            LyingToken(tokenIn).take(msg.sender, amountIn);
        } else if (mode != Mode.TakeNothing) {
            if (mode == Mode.TakeMore) amountIn += 1;
            if (mode == Mode.TakeLess) amountIn -= 1;
            IERC20Pull(tokenIn).transferFrom(msg.sender, address(this), amountIn);
        }
        if (mode != Mode.TakeWithoutPaying) _pay(msg.sender);
    }

    function _pay(address to) private {
        tokenOut.safeTransfer(to, amountOut);
    }

    function _reenter(RouteExecutor executor) private {
        RouteExecutor.Plan memory plan;
        executor.execute(plan, "");
    }
}
