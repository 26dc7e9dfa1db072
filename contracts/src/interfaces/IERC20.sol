// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of an ERC-20 token.
/// @dev Some tokens return nothing from transfer: call it through SafeTransfer only.
interface IERC20 {
    /// @return Token base units.
    function balanceOf(address account) external view returns (uint256);

    /// @param amount Token base units.
    function transfer(address to, uint256 amount) external returns (bool);
}
