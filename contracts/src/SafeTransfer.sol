// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {IERC20} from "./interfaces/IERC20.sol";

/// @title Transfers and approvals that fail loudly, whatever the token's habits.
library SafeTransfer {
    /// @param amount Token base units.
    /// @param reason What the token answered.
    error TransferFailed(address token, address to, uint256 amount, bytes reason);

    error ApprovalFailed(address token, address spender, uint256 amount, bytes reason);

    /// @notice Moves `amount` base units of `token` to `to`.
    /// @dev Accepts `true` and, from an address with code, no answer at all. Everything else fails:
    /// a revert, `false`, malformed data, an address without code.
    function safeTransfer(address token, address to, uint256 amount) internal {
        (bool accepted, bytes memory answer) =
            _ask(token, abi.encodeCall(IERC20.transfer, (to, amount)));
        if (!accepted) revert TransferFailed(token, to, amount, answer);
    }

    /// @notice Lets `spender` move `amount` base units of `token`, as strict as `safeTransfer`.
    function safeApprove(address token, address spender, uint256 amount) internal {
        (bool accepted, bytes memory answer) =
            _ask(token, abi.encodeCall(IERC20.approve, (spender, amount)));
        if (!accepted) revert ApprovalFailed(token, spender, amount, answer);
    }

    function _ask(address token, bytes memory request)
        private
        returns (bool accepted, bytes memory answer)
    {
        (accepted, answer) = token.call(request);
        accepted = accepted
            && (
                answer.length == 0
                    ? token.code.length > 0
                    : answer.length >= 32 && uint256(bytes32(answer)) == 1
            );
    }
}
