// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of the Balancer V2 vault to swap.
interface IBalancerVault {
    enum SwapKind {
        GIVEN_IN,
        GIVEN_OUT
    }

    /// @param amount Base units of assetIn for GIVEN_IN.
    struct SingleSwap {
        bytes32 poolId;
        SwapKind kind;
        address assetIn;
        address assetOut;
        uint256 amount;
        bytes userData;
    }

    /// @param sender Pays by its allowance to the vault.
    struct FundManagement {
        address sender;
        bool fromInternalBalance;
        address payable recipient;
        bool toInternalBalance;
    }

    /// @param limit Least output for GIVEN_IN, base units.
    /// @param deadline Last block time, Unix seconds.
    /// @return amountCalculated Output for GIVEN_IN, base units.
    function swap(
        SingleSwap calldata singleSwap,
        FundManagement calldata funds,
        uint256 limit,
        uint256 deadline
    ) external payable returns (uint256 amountCalculated);
}
