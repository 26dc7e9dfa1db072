// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

/// @title What this project uses of an ERC-20 token.
/// @dev Some tokens return nothing from transfer and approve: call them through SafeTransfer only.
interface IERC20 {
    /// @return Token base units.
    function balanceOf(address account) external view returns (uint256);

    /// @param amount Token base units.
    function transfer(address to, uint256 amount) external returns (bool);

    /// @param amount Token base units that `spender` may move from now on.
    function approve(address spender, uint256 amount) external returns (bool);

    /// @return Token base units that `spender` may still move.
    function allowance(address owner, address spender) external view returns (uint256);
}
