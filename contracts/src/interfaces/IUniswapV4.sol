// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of the Uniswap V4 pool manager to swap.
interface IPoolManager {
    /// @param currency0 The lower address; the zero address would be the coin itself.
    /// @param fee Parts per million of the input, or the flag of a dynamic fee.
    /// @param hooks Contract that is asked before and after; zero is none.
    struct PoolKey {
        address currency0;
        address currency1;
        uint24 fee;
        int24 tickSpacing;
        address hooks;
    }

    /// @param amountSpecified Base units; negative is exact input.
    struct SwapParams {
        bool zeroForOne;
        int256 amountSpecified;
        uint160 sqrtPriceLimitX96;
    }

    /// @notice Calls `unlockCallback` and reverts unless the caller owes nothing afterwards.
    function unlock(bytes calldata callbackData) external returns (bytes memory);

    /// @return swapDelta Two int128: change of currency0 (high half) and of currency1, base units,
    /// negative is what the caller owes.
    function swap(PoolKey calldata key, SwapParams calldata params, bytes calldata hookData)
        external
        returns (int256 swapDelta);

    /// @notice Notes the balance of `currency`: what arrives from then on is what `settle` counts.
    function sync(address currency) external;

    /// @return paid Base units of the noted currency that arrived.
    function settle() external payable returns (uint256 paid);

    /// @notice Pays `amount` base units out.
    function take(address currency, address to, uint256 amount) external;
}

/// @title What the pool manager calls back while it is unlocked.
interface IUnlockCallback {
    function unlockCallback(bytes calldata callbackData) external returns (bytes memory);
}
