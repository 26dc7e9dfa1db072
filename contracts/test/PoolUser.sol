// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {SafeTransfer} from "../src/SafeTransfer.sol";
import {IUniswapV2Pair, IUniswapV3Pool, IUniswapV3SwapCallback} from "../src/interfaces/IUniswap.sol";

interface IUniswapV2PairLiquidity {
    function mint(address to) external returns (uint256 liquidity);
}

interface IUniswapV3PoolLiquidity {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(
        address recipient,
        int24 tickLower,
        int24 tickUpper,
        uint128 amount,
        bytes calldata callbackData
    ) external returns (uint256 amount0, uint256 amount1);
}

/// @title Uses pools directly, paying from its own balance: the independent twin of the executor.
/// @dev Trusts whoever calls it; for tests only.
contract PoolUser is IUniswapV3SwapCallback {
    using SafeTransfer for address;

    address private _payToken;

    function addV2(address pair, address token0, address token1, uint256 amount0, uint256 amount1)
        external
    {
        token0.safeTransfer(pair, amount0);
        token1.safeTransfer(pair, amount1);
        IUniswapV2PairLiquidity(pair).mint(address(this));
    }

    function addV3(address pool, int24 tickLower, int24 tickUpper, uint128 liquidity) external {
        IUniswapV3PoolLiquidity(pool).mint(address(this), tickLower, tickUpper, liquidity, "");
    }

    /// @notice Adds `count` positions side by side, each `width` ticks wide.
    function addV3Row(address pool, int24 tickLower, int24 width, uint256 count, uint128 liquidity)
        external
    {
        for (uint256 i = 0; i < count; ++i) {
            IUniswapV3PoolLiquidity(pool).mint(
                address(this), tickLower, tickLower + width, liquidity, ""
            );
            tickLower += width;
        }
    }

    /// @notice Sends `amountIn` and asks the pair for `amountOut`; the pair itself judges the price.
    function swapV2(
        address pair,
        address tokenIn,
        uint256 amountIn,
        uint256 amount0Out,
        uint256 amount1Out
    ) external {
        tokenIn.safeTransfer(pair, amountIn);
        IUniswapV2Pair(pair).swap(amount0Out, amount1Out, address(this), "");
    }

    function swapV3(
        address pool,
        address tokenIn,
        bool zeroForOne,
        uint256 amountIn,
        uint160 sqrtPriceLimitX96
    ) external returns (int256 amount0, int256 amount1) {
        _payToken = tokenIn;
        return IUniswapV3Pool(pool).swap(
            address(this), zeroForOne, int256(amountIn), sqrtPriceLimitX96, ""
        );
    }

    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata)
        external
    {
        _payToken.safeTransfer(
            msg.sender, uint256(amount0Delta > 0 ? amount0Delta : amount1Delta)
        );
    }

    function uniswapV3MintCallback(uint256 amount0Owed, uint256 amount1Owed, bytes calldata)
        external
    {
        IUniswapV3PoolLiquidity pool = IUniswapV3PoolLiquidity(msg.sender);
        if (amount0Owed > 0) pool.token0().safeTransfer(msg.sender, amount0Owed);
        if (amount1Owed > 0) pool.token1().safeTransfer(msg.sender, amount1Owed);
    }
}
