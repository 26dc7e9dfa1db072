// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of Curve pools that number coins with int128: StableSwap.
/// @dev Old pools return nothing, newer ones the output; it is measured, never read.
interface ICurveStable {
    /// @param i Coin that is paid in.
    /// @param j Coin that is paid out.
    /// @param dx Base units of coin i; the pool pulls them by allowance.
    /// @param minDy Least base units of coin j.
    function exchange(int128 i, int128 j, uint256 dx, uint256 minDy) external;
}

/// @title The same of Curve pools that number coins with uint256: crypto pools.
interface ICurveCrypto {
    function exchange(uint256 i, uint256 j, uint256 dx, uint256 minDy) external;
}
