// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of a Uniswap V2 pair to swap.
interface IUniswapV2Pair {
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 time);

    /// @notice Sends the outputs and then demands that enough input has arrived before the call.
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata callbackData)
        external;
}

/// @title What this project uses of a Uniswap V3 pool to swap.
interface IUniswapV3Pool {
    /// @notice Sends the output, then asks the caller for the input in a callback.
    /// @param amountSpecified Base units; positive is exact input.
    /// @return amount0 Change of the pool's token0, base units.
    /// @return amount1 Change of the pool's token1, base units.
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata callbackData
    ) external returns (int256 amount0, int256 amount1);
}

/// @title What a Uniswap V3 pool calls back while it swaps.
interface IUniswapV3SwapCallback {
    /// @param amount0Delta Base units of token0 the pool wants (positive) or has paid (negative).
    /// @param amount1Delta Base units of token1 the pool wants (positive) or has paid (negative).
    function uniswapV3SwapCallback(
        int256 amount0Delta,
        int256 amount1Delta,
        bytes calldata callbackData
    ) external;
}
