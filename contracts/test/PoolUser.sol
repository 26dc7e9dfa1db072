// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {SafeTransfer} from "../src/SafeTransfer.sol";
import {IBalancerVault} from "../src/interfaces/IBalancerVault.sol";
import {ICurveCrypto, ICurveStable} from "../src/interfaces/ICurve.sol";
import {IUniswapV2Pair, IUniswapV3Pool, IUniswapV3SwapCallback} from "../src/interfaces/IUniswap.sol";
import {IPoolManager, IUnlockCallback} from "../src/interfaces/IUniswapV4.sol";

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

interface IPoolManagerLiquidity {
    struct ModifyLiquidityParams {
        int24 tickLower;
        int24 tickUpper;
        int256 liquidityDelta;
        bytes32 salt;
    }

    function initialize(IPoolManager.PoolKey calldata key, uint160 sqrtPriceX96)
        external
        returns (int24 tick);
    function modifyLiquidity(
        IPoolManager.PoolKey calldata key,
        ModifyLiquidityParams calldata params,
        bytes calldata hookData
    ) external returns (int256 callerDelta, int256 feesAccrued);
}

/// @title Uses pools directly, paying from its own balance: the independent twin of the executor.
/// @dev Trusts whoever calls it; for tests only.
contract PoolUser is IUniswapV3SwapCallback, IUnlockCallback {
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

    /// @param amountSpecified Base units; negative is exact input.
    function swapV4(
        address manager,
        IPoolManager.PoolKey calldata key,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96
    ) external {
        IPoolManager.SwapParams memory params =
            IPoolManager.SwapParams(zeroForOne, amountSpecified, sqrtPriceLimitX96);
        bytes memory call = abi.encodeCall(IPoolManager.swap, (key, params, ""));
        IPoolManager(manager).unlock(abi.encode(key.currency0, key.currency1, call));
    }

    function changeV4(
        address manager,
        IPoolManager.PoolKey calldata key,
        int24 tickLower,
        int24 tickUpper,
        int256 liquidityDelta
    ) external {
        IPoolManagerLiquidity.ModifyLiquidityParams memory params =
            IPoolManagerLiquidity.ModifyLiquidityParams(tickLower, tickUpper, liquidityDelta, 0);
        bytes memory call = abi.encodeCall(IPoolManagerLiquidity.modifyLiquidity, (key, params, ""));
        IPoolManager(manager).unlock(abi.encode(key.currency0, key.currency1, call));
    }

    function swapBalancer(
        address vault,
        bytes32 poolId,
        IBalancerVault.SwapKind kind,
        address tokenIn,
        address tokenOut,
        uint256 amount
    ) external returns (uint256 amountCalculated) {
        tokenIn.safeApprove(vault, type(uint256).max);
        amountCalculated = IBalancerVault(vault).swap(
            IBalancerVault.SingleSwap(poolId, kind, tokenIn, tokenOut, amount, ""),
            IBalancerVault.FundManagement(address(this), false, payable(address(this)), false),
            kind == IBalancerVault.SwapKind.GIVEN_IN ? 0 : type(uint256).max,
            block.timestamp
        );
        tokenIn.safeApprove(vault, 0);
    }

    function swapCurve(
        address pool,
        address tokenIn,
        uint8 coinIn,
        uint8 coinOut,
        uint256 amountIn,
        bool coinsAreUint256
    ) external {
        tokenIn.safeApprove(pool, amountIn);
        if (coinsAreUint256) ICurveCrypto(pool).exchange(coinIn, coinOut, amountIn, 0);
        else ICurveStable(pool).exchange(
            int128(uint128(coinIn)), int128(uint128(coinOut)), amountIn, 0
        );
    }

    /// @notice Makes the call and pays or takes what it changed of either currency.
    function unlockCallback(bytes calldata callbackData) external returns (bytes memory) {
        (address currency0, address currency1, bytes memory call) =
            abi.decode(callbackData, (address, address, bytes));
        (bool success, bytes memory answer) = msg.sender.call(call);
        if (!success) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        int256 delta = int256(uint256(bytes32(answer)));
        _settle(currency0, delta >> 128);
        _settle(currency1, int256(int128(delta)));
        return "";
    }

    function _settle(address currency, int256 change) private {
        IPoolManager manager = IPoolManager(msg.sender);
        if (change > 0) manager.take(currency, address(this), uint256(change));
        if (change >= 0) return;
        manager.sync(currency);
        currency.safeTransfer(msg.sender, uint256(-change));
        manager.settle();
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
